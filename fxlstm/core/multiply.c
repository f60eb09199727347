/* The multiply operation: DAC stage, exact products tile by tile, ADC stage, digital sum, rescale (docs/numerics.md).
 */
#include <string.h>

#include "arithmetic.h"
#include "column_pairs.h"
#include "kernels/kernels.h"
#include "operations.h"

/* What drives a row for a code: rounded and saturated to `bits`, symmetric, back on the 16-bit grid. */
static int16_t drive(int32_t code, uint32_t bits) {
    int32_t largest = ((int32_t)1 << (bits - 1)) - 1, step = (int32_t)1 << (16 - bits);
    int32_t level = (code + (step >> 1)) >> (16 - bits);
    level = level > -largest ? level : -largest;
    return (int16_t)((level < largest ? level : largest) * step);
}

static void drive_rows(fx_executor *executor, const fx_operation *operation, const fx_matrix *matrix) {
    uint32_t bits = executor->program->header->dac_bits, length = matrix->rows;
    for (uint32_t sequence = 0; sequence < executor->batch; sequence++) {
        const int16_t *codes = executor->arenas + sequence * executor->arena_stride + operation->a;
        int16_t *rows = executor->rows + (size_t)sequence * matrix->stride;
        for (uint32_t row = 0; row < length; row++) {
            rows[row] = drive(codes[row], bits);
        }
    }
}

/* Exact sums of a rectangle of the matrix for the whole batch. */
static void accumulate(const fx_executor *executor, const fx_matrix *matrix, const fx_tile *tile, int64_t *sums) {
    const fx_program *program = executor->program;
    bool narrow = program->header->weight_bits == 8;
    size_t first = matrix->weights + (size_t)tile->column * matrix->stride + tile->row;
    fx_product product = {
        .weights = (const int8_t *)program->weights + first * (narrow ? sizeof(int8_t) : sizeof(int16_t)),
        .weight_stride = matrix->stride,
        .largest_weight = program->header->levels - 1,
        .codes = executor->rows + tile->row,
        .code_stride = matrix->stride,
        .sums = sums,
        .sum_stride = tile->columns,
        .rows = tile->rows,
        .columns = tile->columns,
        .count = executor->batch,
    };
    (narrow ? executor->kernels->multiply_8 : executor->kernels->multiply_16)(&product);
}

/* The integer array: every cell exact, every converter ideal; returns how many codes the ADC clipped. */
static uint32_t multiply_exactly(const fx_executor *executor, const fx_matrix *matrix, const fx_tile *tile) {
    uint32_t bits = executor->program->header->adc_bits;
    uint32_t shift = tile->gain_shift + 16u - bits;
    int64_t highest = ((int64_t)1 << (bits - 1)) - 1;
    size_t count = (size_t)executor->batch * tile->columns;
    uint32_t clipped = 0;
    accumulate(executor, matrix, tile, executor->accumulators);
    for (size_t i = 0; i < count; i++) {
        int64_t exact = fx_round(executor->accumulators[i] * tile->gain, shift);
        int64_t code = fx_clamp(exact, -highest - 1, highest);
        clipped += code != exact;
        executor->columns[i] = (int16_t)fx_left(code, 16 - bits);
    }
    return clipped;
}

static fx_status multiply_tile(const fx_executor *executor, const fx_matrix *matrix, const fx_tile *tile,
                               fx_clipped *clipped) {
    const fx_array *array = executor->array;
    if (array == NULL) {
        bool column_pairs = executor->program->header->pairing == FX_PAIRING_COLUMNS;
        clipped->adc += (column_pairs ? fx_multiply_column_pairs : multiply_exactly)(executor, matrix, tile);
        return FX_OK;
    }
    return array->multiply(array->context, tile, executor->batch, executor->rows + tile->row, matrix->stride,
                           executor->columns, tile->columns);
}

/* Add a tile's ADC codes to the column sums. */
static void add_tile(const fx_executor *executor, const fx_matrix *matrix, const fx_tile *tile) {
    for (uint32_t sequence = 0; sequence < executor->batch; sequence++) {
        const int16_t *codes = executor->columns + (size_t)sequence * tile->columns;
        int64_t *sums = executor->sums + (size_t)sequence * matrix->columns + tile->column;
        for (uint32_t column = 0; column < tile->columns; column++) {
            sums[column] += fx_left(codes[column], tile->align);
        }
    }
}

static fx_status sum_tiles(const fx_executor *executor, const fx_matrix *matrix, fx_clipped *clipped) {
    memset(executor->sums, 0, (size_t)executor->batch * matrix->columns * sizeof *executor->sums);
    for (uint32_t i = 0; i < matrix->tile_count; i++) {
        const fx_tile *tile = executor->program->tiles + matrix->tiles + i;
        fx_status status = multiply_tile(executor, matrix, tile, clipped);
        if (status != FX_OK) {
            return status;
        }
        add_tile(executor, matrix, tile);
    }
    return FX_OK;
}

static uint32_t rescale(const fx_executor *executor, const fx_operation *operation, const fx_matrix *matrix) {
    const fx_scale *scales = executor->program->scales + matrix->scales;
    uint32_t clipped = 0;
    for (uint32_t sequence = 0; sequence < executor->batch; sequence++) {
        const int64_t *sums = executor->sums + (size_t)sequence * matrix->columns;
        int16_t *result = executor->arenas + sequence * executor->arena_stride + operation->result;
        clipped += executor->kernels->rescale(scales, sums, result, matrix->columns);
    }
    return clipped;
}

fx_status fx_operation_multiply(fx_executor *executor, const fx_operation *operation, fx_clipped *clipped) {
    const fx_matrix *matrix = executor->program->matrices + operation->matrix;
    fx_status status = FX_OK;
    drive_rows(executor, operation, matrix);
    if (executor->program->header->adc_bits == 0) {
        fx_tile whole = {.rows = matrix->rows, .columns = matrix->columns};
        accumulate(executor, matrix, &whole, executor->sums);
    } else {
        status = sum_tiles(executor, matrix, clipped);
    }
    if (status == FX_OK) {
        clipped->result += rescale(executor, operation, matrix);
    }
    return status;
}
