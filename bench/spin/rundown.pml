/* A counter of N users (tests/litmus/rundown_counter). */
byte refs = N;
bool event, gone;

active [N] proctype client()
{
    bool zero;
    assert(!gone);
    d_step { refs--; zero = (refs == 0) };
    if :: zero -> event = 1 :: else fi
}
active proctype unloader() { event; gone = 1 }
