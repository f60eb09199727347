/* The product and the sum of the core on all 2^32 pairs of codes, against what rounding and saturation mean:
 *
 *     all_pairs product|sum
 *
 * A product of Q0.15 codes is the code nearest to a * b / 32768, halves up: the only one whose doubled distance lies in
 * [-32768, 32768), or the end of the scale that the exact value lies beyond. */
#include <string.h>

#include "check.h"
#include "fxlstm.h"
#include "operations.h"

#define CODES 65536

static int16_t arena[3 * CODES]; /* all codes, one of them everywhere, results */

static bool product_right(int32_t a, int32_t b, int32_t code) {
    int32_t exact = a * b, twice = 2 * (exact - code * 32768);
    return code == INT16_MAX ? exact >= 32767 * 32768 - 16384 : (twice >= -32768) & (twice < 32768);
}

static bool sum_right(int32_t a, int32_t b, int32_t code) {
    int32_t exact = a + b;
    return code == INT16_MAX ? exact >= code : code == INT16_MIN ? exact <= code : exact == code;
}

static uint32_t wrong_products(int32_t b) {
    uint32_t wrong = 0;
    for (int32_t i = 0; i < CODES; i++) {
        wrong += !product_right(arena[i], b, arena[2 * CODES + i]);
    }
    return wrong;
}

static uint32_t wrong_sums(int32_t b) {
    uint32_t wrong = 0;
    for (int32_t i = 0; i < CODES; i++) {
        wrong += !sum_right(arena[i], b, arena[2 * CODES + i]);
    }
    return wrong;
}

int main(int count, char **arguments) {
    CHECK(count == 2);
    bool product = strcmp(arguments[1], "product") == 0;
    fx_operation operation = {.code = FX_OPERATION_SUM, .length = CODES, .b = CODES, .result = 2 * CODES};
    if (product) {
        operation.code = FX_OPERATION_PRODUCT;
        operation.shift = 15;
    }
    fx_executor executor = {.kernels = fx_kernels_named("portable"), .batch = 1, .arenas = arena};
    uint64_t wrong = 0;
    for (int32_t i = 0; i < CODES; i++) {
        arena[i] = (int16_t)(i + INT16_MIN);
    }
    for (int32_t b = INT16_MIN; b <= INT16_MAX; b++) {
        fx_clipped clipped = {0, 0};
        for (int32_t i = 0; i < CODES; i++) {
            arena[CODES + i] = (int16_t)b;
        }
        CHECK(fx_operation_run(&executor, &operation, &clipped) == FX_OK);
        wrong += product ? wrong_products(b) : wrong_sums(b);
    }
    CHECK(wrong == 0);
    return EXIT_SUCCESS;
}
