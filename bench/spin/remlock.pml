/* The remove lock's shape with N users (tests/litmus/remove_lock). */
byte io = 1;
bool removed, freed, event;

inline release() { d_step { io--; zero = (io == 0) }; if :: zero -> event = 1 :: else fi }

active [N] proctype client()
{
    bool zero;
    io++;
    if
    :: removed -> release()
    :: else -> assert(!freed); release()
    fi
}
active proctype remover()
{
    bool zero;
    io++;
    if :: removed -> release() :: else fi;
    removed = 1;
    release();
    d_step { io--; zero = (io == 0) };
    if :: !zero -> event :: else fi;
    freed = 1
}
