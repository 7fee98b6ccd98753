/* The stop protocol of a Windows Bluetooth driver, repaired (tests/litmus/bluetooth). N clients. */
byte pending = 1;
bool stopping, stopped, event;

inline leave() { d_step { pending--; zero = (pending == 0) }; if :: zero -> event = 1 :: else fi }

active [N] proctype client()
{
    bool zero;
    pending++;
    if
    :: stopping -> leave()
    :: else -> assert(!stopped); leave()
    fi
}
active proctype stopper()
{
    bool zero;
    stopping = 1;
    leave();
    event;
    stopped = 1
}
