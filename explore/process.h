/* Child processes that share a search. Apart, since the system's signal header names registers as the machine does. */
#ifndef EXPLORE_PROCESS_H
#define EXPLORE_PROCESS_H

/* Forks; both get one end of a socket. Returns the child's number, 0 in the child (which dies with its parent),
 * -1 when there can be none. */
int process_fork(int *fd);
/* Ends it whatever it does, and waits until it has gone. */
void process_end(int pid);

#endif
