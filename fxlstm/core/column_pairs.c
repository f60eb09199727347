/* Sign by column pairs: each column is summed and converted by itself, the codes are subtracted (docs/numerics.md).
 */
#include "column_pairs.h"

#include "arithmetic.h"

int16_t fx_pair_code(int16_t positive, int16_t negative, uint32_t *clipped) {
    return fx_saturate((int64_t)positive - negative, clipped);
}

typedef struct {
    int64_t positive;
    int64_t negative;
} pair_sum;

/* Exact sums of the parts above and below zero of one column of a tile. */
static pair_sum sum_pair(const fx_program *program, size_t first, const int16_t *rows, uint32_t count) {
    bool narrow = program->header->weight_bits == 8;
    const int8_t *weights_8 = program->weights;
    const int16_t *weights_16 = program->weights;
    pair_sum sum = {0, 0};
    for (uint32_t row = 0; row < count; row++) {
        int32_t weight = narrow ? weights_8[first + row] : weights_16[first + row];
        int32_t product = rows[row] * weight;
        sum.positive += weight > 0 ? product : 0;
        sum.negative -= weight < 0 ? product : 0;
    }
    return sum;
}

static int16_t convert(const fx_tile *tile, int64_t sum, uint32_t bits, uint32_t *clipped) {
    int64_t highest = ((int64_t)1 << (bits - 1)) - 1;
    int64_t exact = fx_round(sum * tile->gain, tile->gain_shift + 16u - bits);
    int64_t code = fx_clamp(exact, -highest - 1, highest);
    *clipped += code != exact;
    return (int16_t)fx_left(code, 16 - bits);
}

uint32_t fx_multiply_column_pairs(const fx_executor *executor, const fx_matrix *matrix, const fx_tile *tile) {
    const fx_program *program = executor->program;
    uint32_t bits = program->header->adc_bits;
    uint32_t clipped = 0;
    for (uint32_t sequence = 0; sequence < executor->batch; sequence++) {
        const int16_t *rows = executor->rows + (size_t)sequence * matrix->stride + tile->row;
        int16_t *codes = executor->columns + (size_t)sequence * tile->columns;
        for (uint32_t column = 0; column < tile->columns; column++) {
            size_t first = matrix->weights + (size_t)(tile->column + column) * matrix->stride + tile->row;
            pair_sum sum = sum_pair(program, first, rows, tile->rows);
            int16_t positive = convert(tile, sum.positive, bits, &clipped);
            int16_t negative = convert(tile, sum.negative, bits, &clipped);
            codes[column] = fx_pair_code(positive, negative, &clipped);
        }
    }
    return clipped;
}
