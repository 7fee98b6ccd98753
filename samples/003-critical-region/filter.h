/* The filter: filter.c is the driver, filter-VARIANT.c how it keeps APCs away while it looks into its cache. */
#ifndef SAMPLES_CRITICAL_REGION_FILTER_H
#define SAMPLES_CRITICAL_REGION_FILTER_H

#include "server.h"

typedef struct _NAME_CACHE
{
    LONG Refreshing; /* somebody replaces the entries */
    LONG Hits;
} NAME_CACHE, *PNAME_CACHE;

/* One look into the cache, with normal kernel APCs held back: a suspended thread would keep others out of it. */
NTSTATUS FilterLookUp(PNAME_CACHE Cache);

#endif
