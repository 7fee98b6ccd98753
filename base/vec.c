/* Growth for vectors: doubling, so that pushes are amortised constant time. */
#include "base/vec.h"

#include <stdlib.h>

#include "base/error.h"

void vec_grow(void **data, size_t *capacity, size_t need, size_t element)
{
    size_t wanted = *capacity ? *capacity : 8;
    while (wanted < need) {
        RD_ASSERT(wanted <= (size_t)-1 / 2 / element);
        wanted *= 2;
    }
    void *grown = realloc(*data, wanted * element);
    RD_ASSERT(grown != NULL);
    *data = grown;
    *capacity = wanted;
}
