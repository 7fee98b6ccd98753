/* Fuzz target over images: parse, map, bind, exports and unwinding, as tests/unit/pe/exercise.h
 * does them. */
#include "tests/unit/pe/exercise.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    exercise_image(data, size, size);
    return 0;
}
