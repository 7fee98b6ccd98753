/* One writer and N readers (tests/litmus/readers). */
byte shared;

active proctype writer() { shared = 1 }
active [N] proctype reader() { byte seen; seen = shared }
