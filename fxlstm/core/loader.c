/* The loader: checks the rules of docs/image.md, in their order, before anything runs. It trusts nothing. */
#include "arithmetic.h"
#include "fxlstm.h"

#if defined(__BYTE_ORDER__) && __BYTE_ORDER__ != __ORDER_LITTLE_ENDIAN__
#error "images are little-endian and run in place; a big-endian machine cannot run them"
#endif

#define ADC_PEAK 32768u

typedef struct {
    const void *data;
    uint32_t count; /* elements */
} section;

/* Sections by kind; one that does not stand is empty. */
typedef struct {
    section of[FX_SECTION_METADATA + 1];
} sections;

static const uint8_t ELEMENT_SIZES[FX_SECTION_METADATA + 1] = {
    [FX_SECTION_ARENA] = sizeof(int16_t),      [FX_SECTION_OPERATIONS] = sizeof(fx_operation),
    [FX_SECTION_MATRICES] = sizeof(fx_matrix), [FX_SECTION_TILES] = sizeof(fx_tile),
    [FX_SECTION_WEIGHTS] = sizeof(int16_t),    [FX_SECTION_SCALES] = sizeof(fx_scale),
    [FX_SECTION_SWEEPS] = sizeof(fx_sweep),    [FX_SECTION_METADATA] = 1,
};

/* Whether start..start + length lies inside 0..end. */
static bool inside(uint32_t start, uint64_t length, uint32_t end) {
    return start <= end && length <= end - start;
}

static bool apart(uint32_t a, uint64_t a_length, uint32_t b, uint64_t b_length) {
    return a >= b ? a - b >= b_length : b - a >= a_length;
}

/* Number of weights from one column to the next. */
static uint64_t even(uint32_t length) {
    return (uint64_t)length + (length & 1u);
}

static uint64_t half_of(uint32_t shift) {
    return shift == 0 ? 0 : (uint64_t)1 << (shift - 1);
}

/* ---- the whole image and its header */

static uint32_t crc_of(const fx_header *header) {
    static const uint8_t no_crc[sizeof header->crc] = {0};
    const uint8_t *bytes = (const uint8_t *)header;
    size_t after = offsetof(fx_header, crc) + sizeof no_crc;
    uint32_t crc = fx_crc32(0, bytes, offsetof(fx_header, crc));
    crc = fx_crc32(crc, no_crc, sizeof no_crc);
    return fx_crc32(crc, bytes + after, header->size - after);
}

static fx_status check_whole(const void *image, size_t size) {
    const fx_header *header = image;
    if ((uintptr_t)image % 8 != 0) {
        return FX_ERROR_IMAGE_ALIGNMENT;
    }
    if (size < sizeof *header) {
        return FX_ERROR_IMAGE_SHORT;
    }
    if (header->magic != FX_MAGIC) {
        return FX_ERROR_IMAGE_MAGIC;
    }
    if (header->version != FX_VERSION) {
        return FX_ERROR_IMAGE_VERSION;
    }
    if (header->size < sizeof *header || header->size > size) {
        return FX_ERROR_IMAGE_SHORT;
    }
    return crc_of(header) == header->crc ? FX_OK : FX_ERROR_IMAGE_CRC;
}

static bool bits_right(uint8_t bits) {
    return bits >= 2 && bits <= 16;
}

static fx_status check_header(const fx_header *header) {
    bool right = header->levels >= 2 && header->levels <= 32768u && bits_right(header->dac_bits) &&
                 (header->adc_bits == 0 || bits_right(header->adc_bits)) && header->pairing <= 1 &&
                 header->returns_last <= 1 && header->reserved == 0;
    right = right && header->input_length >= 1 && header->output_length >= 1 &&
            inside(header->input_start, header->input_length, header->arena_length) &&
            inside(header->output_start, header->output_length, header->arena_length);
    return right ? FX_OK : FX_ERROR_IMAGE_HEADER;
}

/* ---- sections */

/* Enter one section; `*position` is where the one before it ends. */
static fx_status enter_section(const fx_header *header, const fx_section *entry, uint32_t *position, sections *found) {
    if (entry->kind < FX_SECTION_ARENA || entry->kind > FX_SECTION_METADATA || entry->reserved != 0 ||
        found->of[entry->kind].data != NULL) {
        return FX_ERROR_IMAGE_SECTIONS;
    }
    uint32_t element = ELEMENT_SIZES[entry->kind];
    if (entry->start % 8 != 0 || entry->start < *position || !inside(entry->start, entry->size, header->size) ||
        entry->size % element != 0) {
        return FX_ERROR_IMAGE_SECTIONS;
    }
    found->of[entry->kind].data = (const uint8_t *)header + entry->start;
    found->of[entry->kind].count = entry->size / element;
    *position = entry->start + entry->size;
    return FX_OK;
}

static fx_status find_sections(const fx_header *header, sections *found) {
    const fx_section *table = (const void *)(header + 1);
    size_t table_size = header->section_count * sizeof *table;
    if (table_size > header->size - sizeof *header) {
        return FX_ERROR_IMAGE_SECTIONS;
    }
    uint32_t position = (uint32_t)(sizeof *header + table_size);
    fx_status status = FX_OK;
    *found = (sections){.of = {{NULL, 0}}};
    for (uint32_t i = 0; i < header->section_count && status == FX_OK; i++) {
        status = enter_section(header, table + i, &position, found);
    }
    return status;
}

/* ---- matrices */

static fx_status check_matrix(const fx_matrix *matrix, const sections *found) {
    uint32_t weight_count = found->of[FX_SECTION_WEIGHTS].count;
    bool right = matrix->rows >= 1 && matrix->columns >= 1 && matrix->rows <= weight_count &&
                 matrix->stride == even(matrix->rows) && matrix->weights % 2 == 0 && matrix->reserved == 0;
    right = right && inside(matrix->weights, (uint64_t)matrix->stride * matrix->columns, weight_count) &&
            inside(matrix->scales, matrix->columns, found->of[FX_SECTION_SCALES].count) &&
            inside(matrix->tiles, matrix->tile_count, found->of[FX_SECTION_TILES].count);
    return right ? FX_OK : FX_ERROR_IMAGE_MATRICES;
}

static fx_status check_weights(const fx_program *program, const fx_matrix *matrix) {
    int32_t largest = (int32_t)program->header->levels - 1;
    for (uint32_t column = 0; column < matrix->columns; column++) {
        const int16_t *weights = program->weights + matrix->weights + (size_t)column * matrix->stride;
        for (uint32_t row = 0; row < matrix->rows; row++) {
            if (weights[row] > largest || weights[row] < -largest) {
                return FX_ERROR_IMAGE_WEIGHTS;
            }
        }
        if (matrix->stride != matrix->rows && weights[matrix->rows] != 0) {
            return FX_ERROR_IMAGE_WEIGHTS;
        }
    }
    return FX_OK;
}

/* ---- tiles. Array rows fit 16 bits, so an accumulator times its gain and the rounding of gain_shift stay far below
 * 2^63. */

static bool tile_right(const fx_header *header, const fx_matrix *matrix, const fx_tile *tile) {
    return tile->rows >= 1 && tile->columns >= 1 && inside(tile->row, tile->rows, matrix->rows) &&
           inside(tile->column, tile->columns, matrix->columns) &&
           inside(tile->array_row, 2 * (uint64_t)tile->rows, header->array_rows) &&
           inside(tile->array_column, tile->columns, header->array_columns) && tile->gain >= 1 &&
           tile->gain_shift <= FX_MAX_RIGHT_SHIFT && tile->align <= FX_MAX_ALIGN && tile->reserved == 0 &&
           tile->reserved2 == 0;
}

static bool tiles_overlap(const fx_tile *a, const fx_tile *b) {
    return !apart(a->row, a->rows, b->row, b->rows) && !apart(a->column, a->columns, b->column, b->columns);
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
    const int16_t *weights = program->weights + matrix->weights + (size_t)column * matrix->stride;
    const fx_tile *tiles = program->tiles + matrix->tiles;
    uint64_t sum = 0;
    if (program->header->adc_bits == 0) {
        for (uint32_t row = 0; row < matrix->rows; row++) {
            sum += (uint64_t)(weights[row] < 0 ? -weights[row] : weights[row]) * FX_LARGEST_ROW_CODE;
        }
        return sum;
    }
    for (uint32_t i = 0; i < matrix->tile_count; i++) {
        if (!apart(tiles[i].column, tiles[i].columns, column, 1)) {
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

static fx_status check_matrices(const fx_program *program, const sections *found) {
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

/* ---- operations */

static bool shifts_right(const fx_operation *operation) {
    uint32_t limit = operation->code == FX_OPERATION_COMPLEMENT ? FX_MAX_LEFT_SHIFT : FX_MAX_RIGHT_SHIFT;
    return operation->shift <= limit && operation->shift_ab <= FX_MAX_LEFT_SHIFT &&
           operation->shift_cd <= FX_MAX_LEFT_SHIFT;
}

static bool multiply_right(const fx_program *program, const fx_operation *operation) {
    if (operation->matrix >= program->matrix_count) {
        return false;
    }
    const fx_matrix *matrix = program->matrices + operation->matrix;
    return operation->length == matrix->columns && operation->a % 2 == 0 &&
           inside(operation->a, matrix->stride, program->header->arena_length) &&
           apart(operation->result, operation->length, operation->a, matrix->stride);
}

static bool elementwise_right(const fx_program *program, const fx_operation *operation, uint32_t operand_count) {
    const uint32_t operands[] = {operation->a, operation->b, operation->c, operation->d};
    bool right = operation->code != FX_OPERATION_ACTIVATE ||
                 (operation->function < FX_FUNCTION_COUNT && operation->fraction <= FX_MAX_FRACTION);
    for (uint32_t i = 0; i < operand_count; i++) {
        right = right && inside(operands[i], operation->length, program->header->arena_length) &&
                (operands[i] == operation->result ||
                 apart(operands[i], operation->length, operation->result, operation->length));
    }
    return right;
}

static bool operation_right(const fx_program *program, const fx_operation *operation) {
    static const uint8_t operand_counts[] = FX_OPERAND_COUNTS;
    uint32_t operand_count = operation->code < sizeof operand_counts ? operand_counts[operation->code] : 0;
    if (operand_count == 0 || operation->length == 0 || !shifts_right(operation) ||
        !inside(operation->result, operation->length, program->header->arena_length)) {
        return false;
    }
    return operation->code == FX_OPERATION_MULTIPLY ? multiply_right(program, operation)
                                                    : elementwise_right(program, operation, operand_count);
}

static fx_status check_operations(const fx_program *program) {
    for (uint32_t i = 0; i < program->operation_count; i++) {
        if (!operation_right(program, program->operations + i)) {
            return FX_ERROR_IMAGE_OPERATIONS;
        }
    }
    return FX_OK;
}

/* ---- sweeps */

/* Whether a sweep reads what stands in a record of `width` codes and its slices lie in the arena. */
static bool sweep_right(const fx_sweep *sweep, uint64_t width, uint32_t arena_length) {
    return sweep->reverse <= 1 && sweep->reserved == 0 && sweep->input_length >= 1 && sweep->output_length >= 1 &&
           (uint64_t)sweep->source + sweep->input_length <= width &&
           inside(sweep->input_start, sweep->input_length, arena_length) &&
           inside(sweep->output_start, sweep->output_length, arena_length);
}

/* Whether the first sweep begins and the last one ends as the header says. */
static bool ends_right(const fx_program *program) {
    const fx_header *header = program->header;
    const fx_sweep *first = program->sweeps, *last = program->sweeps + program->sweep_count - 1;
    return first->input_start == header->input_start && first->input_length == header->input_length &&
           last->output_start == header->output_start && last->output_length == header->output_length &&
           last->reverse == 0 && header->step_operations >= program->operation_count - last->operations;
}

static fx_status check_sweeps(const fx_program *program) {
    uint64_t operations = 0, width = program->header->input_length;
    for (uint32_t i = 0; i < program->sweep_count; i++) {
        const fx_sweep *sweep = program->sweeps + i;
        if (!sweep_right(sweep, width, program->header->arena_length)) {
            return FX_ERROR_IMAGE_SWEEPS;
        }
        operations += sweep->operations;
        width += sweep->output_length;
    }
    bool right = program->sweep_count == 0 || (operations == program->operation_count && ends_right(program));
    return right ? FX_OK : FX_ERROR_IMAGE_SWEEPS;
}

static fx_program view_of(const fx_header *header, const sections *found) {
    return (fx_program){
        .header = header,
        .arena = found->of[FX_SECTION_ARENA].data,
        .operations = found->of[FX_SECTION_OPERATIONS].data,
        .matrices = found->of[FX_SECTION_MATRICES].data,
        .tiles = found->of[FX_SECTION_TILES].data,
        .weights = found->of[FX_SECTION_WEIGHTS].data,
        .scales = found->of[FX_SECTION_SCALES].data,
        .sweeps = found->of[FX_SECTION_SWEEPS].data,
        .operation_count = found->of[FX_SECTION_OPERATIONS].count,
        .matrix_count = found->of[FX_SECTION_MATRICES].count,
        .tile_count = found->of[FX_SECTION_TILES].count,
        .sweep_count = found->of[FX_SECTION_SWEEPS].count,
    };
}

fx_status fx_program_open(fx_program *program, const void *image, size_t size) {
    const fx_header *header = image;
    sections found;
    fx_status status = check_whole(image, size);
    status = status == FX_OK ? check_header(header) : status;
    status = status == FX_OK ? find_sections(header, &found) : status;
    if (status != FX_OK) {
        return status;
    }
    *program = view_of(header, &found);
    if (header->step_operations > program->operation_count) {
        return FX_ERROR_IMAGE_HEADER;
    }
    if (found.of[FX_SECTION_ARENA].count != header->arena_length) {
        return FX_ERROR_IMAGE_ARENA;
    }
    status = check_matrices(program, &found);
    status = status == FX_OK ? check_operations(program) : status;
    return status == FX_OK ? check_sweeps(program) : status;
}
