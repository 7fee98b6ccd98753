/* The last zero of an array with N writers (tests/litmus/last_zero). */
byte array[N + 1];

active proctype reader()
{
    byte i = N;
    do
    :: array[i] != 0 -> i--
    :: else -> break
    od
}
active [N] proctype writer()
{
    byte j = _pid, v;
    v = array[j - 1];
    array[j] = v + 1
}
