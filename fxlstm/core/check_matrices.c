/* The rules of matrices: their records, tiles, weights and scales. */
#include "arithmetic.h"
#include "checks.h"

#define ADC_PEAK 32768u

/* Number of weights from one column to the next. */
static uint64_t even(uint32_t length) {
    return (uint64_t)length + (length & 1u);
}

static uint64_t half_of(uint32_t shift) {
    return shift == 0 ? 0 : (uint64_t)1 << (shift - 1);
}

/* ---- matrices */

static fx_status check_matrix(const fx_matrix *matrix, const fx_sections *found) {
    uint32_t weight_count = found->of[FX_SECTION_WEIGHTS].count;
    bool right = matrix->rows >= 1 && matrix->columns >= 1 && matrix->rows <= weight_count &&
                 matrix->stride == even(matrix->rows) && matrix->weights % 2 == 0 && matrix->reserved == 0;
    right = right && fx_inside(matrix->weights, (uint64_t)matrix->stride * matrix->columns, weight_count) &&
            fx_inside(matrix->scales, matrix->columns, found->of[FX_SECTION_SCALES].count) &&
            fx_inside(matrix->tiles, matrix->tile_count, found->of[FX_SECTION_TILES].count);
    return right ? FX_OK : FX_ERROR_IMAGE_MATRICES;
}

/* Of a column's weights: the largest magnitude, and the sum of all. */
typedef struct {
    uint32_t largest;
    uint64_t sum;
} magnitudes;

#define PIECE 65536u /* weights whose magnitudes add up in 32 bits */

#define DEFINE_MAGNITUDES(name, weight_type)                                                                           \
    static magnitudes name(const weight_type *weights, uint32_t count) {                                               \
        magnitudes found = {0, 0};                                                                                     \
        for (uint32_t first = 0; first < count; first += PIECE) {                                                      \
            uint32_t end = count - first < PIECE ? count : first + PIECE, sum = 0;                                     \
            for (uint32_t i = first; i < end; i++) {                                                                   \
                uint32_t size = (uint32_t)(weights[i] < 0 ? -weights[i] : weights[i]);                                 \
                found.largest = size > found.largest ? size : found.largest;                                           \
                sum += size;                                                                                           \
            }                                                                                                          \
            found.sum += sum;                                                                                          \
        }                                                                                                              \
        return found;                                                                                                  \
    }

DEFINE_MAGNITUDES(magnitudes_8, int8_t)
DEFINE_MAGNITUDES(magnitudes_16, int16_t)

/* Magnitudes of a column's weights from a row on. */
static magnitudes magnitudes_of(const fx_program *program, const fx_matrix *matrix, uint32_t column, uint32_t row,
                                uint32_t rows) {
    size_t first = matrix->weights + (size_t)column * matrix->stride + row;
    return program->header->weight_bits == 8 ? magnitudes_8((const int8_t *)program->weights + first, rows)
                                             : magnitudes_16((const int16_t *)program->weights + first, rows);
}

static fx_status check_weights(const fx_program *program, const fx_matrix *matrix) {
    for (uint32_t column = 0; column < matrix->columns; column++) {
        uint32_t filled = matrix->stride - matrix->rows;
        if (magnitudes_of(program, matrix, column, 0, matrix->rows).largest >= program->header->levels ||
            magnitudes_of(program, matrix, column, matrix->rows, filled).largest != 0) {
            return FX_ERROR_IMAGE_WEIGHTS;
        }
    }
    return FX_OK;
}

/* ---- tiles. Array rows fit 16 bits, so an accumulator times its gain and the rounding of gain_shift stay far below
 * 2^63. */

static bool tile_right(const fx_header *header, const fx_matrix *matrix, const fx_tile *tile) {
    const uint64_t two = 2; /* devices of a weight */
    bool column_pairs = header->pairing == FX_PAIRING_COLUMNS;
    return tile->rows >= 1 && tile->columns >= 1 && fx_inside(tile->row, tile->rows, matrix->rows) &&
           fx_inside(tile->column, tile->columns, matrix->columns) &&
           fx_inside(tile->array_row, tile->rows * (column_pairs ? 1 : two), header->array_rows) &&
           fx_inside(tile->array_column, tile->columns * (column_pairs ? two : 1), header->array_columns) &&
           tile->gain >= 1 && tile->gain_shift <= FX_MAX_RIGHT_SHIFT && tile->align <= FX_MAX_ALIGN &&
           tile->reserved == 0 && tile->reserved2 == 0;
}

static bool tiles_overlap(const fx_tile *a, const fx_tile *b) {
    return !fx_apart(a->row, a->rows, b->row, b->rows) && !fx_apart(a->column, a->columns, b->column, b->columns);
}

static fx_status check_tiles(const fx_program *program, const fx_matrix *matrix) {
    const fx_tile *tiles = program->tiles + matrix->tiles;
    uint64_t uncovered = (uint64_t)matrix->rows * matrix->columns;
    if (program->header->adc_bits == 0) {
        return matrix->tile_count == 0 ? FX_OK : FX_ERROR_IMAGE_TILES;
    }
    for (uint32_t i = 0; i < matrix->tile_count; i++) {
        uint64_t area = (uint64_t)tiles[i].rows * tiles[i].columns;
        if (!tile_right(program->header, matrix, tiles + i) || area > uncovered) {
            return FX_ERROR_IMAGE_TILES;
        }
        uncovered -= area;
        for (uint32_t j = 0; j < i; j++) {
            if (tiles_overlap(tiles + i, tiles + j)) {
                return FX_ERROR_IMAGE_TILES;
            }
        }
    }
    return uncovered == 0 ? FX_OK : FX_ERROR_IMAGE_TILES;
}

/* ---- scales */

/* Largest magnitude of a column's sum before the rescale: the exact product, or full-scale ADC codes of its tiles. */
static uint64_t largest_sum(const fx_program *program, const fx_matrix *matrix, uint32_t column) {
    const fx_tile *tiles = program->tiles + matrix->tiles;
    uint64_t sum = 0;
    if (program->header->adc_bits == 0) {
        return magnitudes_of(program, matrix, column, 0, matrix->rows).sum * FX_LARGEST_ROW_CODE;
    }
    for (uint32_t i = 0; i < matrix->tile_count; i++) {
        if (!fx_apart(tiles[i].column, tiles[i].columns, column, 1)) {
            sum += (uint64_t)ADC_PEAK << tiles[i].align;
        }
    }
    return sum;
}

/* Whether a * b <= limit, exactly, for a and limit below 2^63 and b below 2^31. */
static bool product_within(uint64_t a, uint32_t b, uint64_t limit) {
    uint64_t high = (a >> 32) * b;
    uint64_t low = (a & UINT32_MAX) * b;
    return high < (uint64_t)1 << 31 && (high << 32) + low <= limit;
}

static bool scale_right(const fx_scale *scale, uint64_t largest) {
    if (scale->mantissa < 0 || scale->shift > FX_MAX_SCALE_SHIFT) {
        return false;
    }
    uint64_t bias = scale->bias < 0 ? 0 - (uint64_t)scale->bias : (uint64_t)scale->bias;
    uint64_t room = INT64_MAX - half_of(scale->shift);
    return bias <= room && product_within(largest, (uint32_t)scale->mantissa, room - bias);
}

static fx_status check_scales(const fx_program *program, const fx_matrix *matrix) {
    for (uint32_t column = 0; column < matrix->columns; column++) {
        uint64_t largest = largest_sum(program, matrix, column);
        if (program->header->adc_bits != 0 && largest > INT32_MAX) {
            return FX_ERROR_IMAGE_TILES;
        }
        if (!scale_right(program->scales + matrix->scales + column, largest)) {
            return FX_ERROR_IMAGE_SCALES;
        }
    }
    return FX_OK;
}

fx_status fx_check_matrices(const fx_program *program, const fx_sections *found) {
    fx_status status = FX_OK;
    for (uint32_t i = 0; i < program->matrix_count && status == FX_OK; i++) {
        const fx_matrix *matrix = program->matrices + i;
        status = check_matrix(matrix, found);
        status = status == FX_OK ? check_tiles(program, matrix) : status;
        status = status == FX_OK ? check_weights(program, matrix) : status;
        status = status == FX_OK ? check_scales(program, matrix) : status;
    }
    return status;
}
