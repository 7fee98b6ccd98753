/* The lower driver that leaves its work to a work item. */
#define LOWER_PENDS
#include "lower.c"
