/* What makes results of a packed matrix's sums: where these begin, their converters, their scales. */
#include "scales.h"

#include <string.h>

#include "../arithmetic.h"
#include "weights.h"

#define HIGH_OFFSET 128 /* codes in two bytes are driven as code + 2^15, which adds 2^7 to the high one */

static int64_t half_of(uint32_t shift) {
    return shift == 0 ? 0 : (int64_t)1 << (shift - 1);
}

static void fill_exact_scales(fx_packed *packed, const fx_program *program, const fx_matrix *matrix) {
    for (uint32_t column = 0; column < packed->chunks * FX_LANES; column++) {
        fx_lane_scales *lanes = packed->scales + column / FX_LANES;
        fx_scale scale = column < matrix->columns ? program->scales[matrix->scales + column] : (fx_scale){0};
        lanes->mantissa[column % FX_LANES] = scale.mantissa;
        lanes->bias[column % FX_LANES] = scale.bias + half_of(scale.shift);
        lanes->shift[column % FX_LANES] = scale.shift;
    }
}

/* Whether a column's sums fit 32 bits once those of the codes' high bytes are limited, with results as they are: a sum of which
 * these are beyond the limit is so large, before and after, that its result is clipped. */
static bool may_be_limited(const fx_program *program, const fx_matrix *matrix, uint32_t column) {
    const int64_t room = 1 << 26, least = 256 * (int64_t)FX_HIGH_SUM_LIMIT - room;
    const fx_scale scale = program->scales[matrix->scales + column];
    const uint64_t magnitude = magnitude_of(program, matrix, 0, matrix->rows, column);
    return magnitude * UINT8_MAX < (uint64_t)room &&
           (magnitude * FX_LARGEST_ROW_CODE < (uint64_t)least ||
            (fx_round(least * scale.mantissa + scale.bias, scale.shift) > INT16_MAX &&
             fx_round(-least * scale.mantissa + scale.bias, scale.shift) < INT16_MIN));
}

/* Whether 32 bits hold the sums, or what these may be limited to, which those of two planes are not, and the high half of 64 bits
 * what results are made of. */
bool fx_scales_are_high(const fx_packed *packed, const fx_program *program, const fx_matrix *matrix, bool wide) {
    bool high = packed->adc_highest == 0 && packed->form != FX_SPLIT;
    for (uint32_t column = 0; column < matrix->columns && high; column++) {
        high =
            program->scales[matrix->scales + column].shift >= 32 && (!wide || may_be_limited(program, matrix, column));
    }
    return high;
}

static void fill_high_scales(fx_packed *packed) {
    memset(packed->high, 0, packed->chunks * sizeof *packed->high);
    for (uint32_t column = 0; column < packed->columns; column++) {
        const fx_lane_scales *scales = packed->scales + column / FX_LANES;
        fx_high_scales *high = packed->high + column / FX_LANES;
        uint32_t place = column % FX_LANES, lane = lane_of(place);
        high->mantissa[lane] = (int32_t)scales->mantissa[place];
        high->shift[lane] = (int32_t)scales->shift[place] - 32;
        high->bias[place] = scales->bias[place];
    }
}

/* Where the sums of bytes of one column begin in a stage. */
static void fill_start(fx_packed *packed, const fx_program *program, const fx_matrix *matrix, uint32_t index,
                       const fx_segment *segments, uint32_t column) {
    fx_lane_stage *lanes = packed->lanes + column / FX_LANES * packed->stage_count + index;
    uint32_t lane = lane_of(column % FX_LANES);
    for (uint32_t i = 0; i < packed->stages[index].segments; i++) {
        for (uint32_t row = 0; row < segments[i].rows; row++) {
            int32_t weight = weight_at(program, matrix, segments[i].row + row, column);
            fx_planes planes = planes_of(weight);
            lanes->start[0][lane] -= HIGH_OFFSET * (packed->form == FX_SPLIT ? planes.low : weight);
            lanes->start[1][lane] -= HIGH_OFFSET * planes.high;
        }
    }
}

static void fill_stage(fx_packed *packed, const fx_program *program, const fx_matrix *matrix, uint32_t index,
                       const fx_segment *segments) {
    uint32_t bits = program->header->adc_bits;
    for (uint32_t column = 0; column < matrix->columns; column++) {
        if (!fx_in_words(packed->form)) {
            fill_start(packed, program, matrix, index, segments, column);
        }
        if (bits != 0) {
            fx_lane_stage *lanes = packed->lanes + column / FX_LANES * packed->stage_count + index;
            const fx_tile *tile = tile_at(program, matrix, segments->row, column);
            uint32_t shift = tile->gain_shift + 16u - bits, lane = column % FX_LANES;
            lanes->gain[lane] = tile->gain;
            lanes->half[lane] = half_of(shift);
            lanes->shift[lane] = shift;
            lanes->left[lane] = 16u - bits + tile->align;
        }
    }
}

void fx_fill_scales(fx_packed *packed, const fx_program *program, const fx_matrix *matrix) {
    fill_exact_scales(packed, program, matrix);
    if (packed->high != NULL) {
        fill_high_scales(packed);
    }
}

void fx_fill_stages(fx_packed *packed, const fx_program *program, const fx_matrix *matrix) {
    const fx_segment *segments = packed->segments;
    memset(packed->lanes, 0, (size_t)packed->chunks * packed->stage_count * sizeof *packed->lanes);
    for (uint32_t i = 0; i < packed->stage_count; i++) {
        fill_stage(packed, program, matrix, i, segments);
        segments += packed->stages[i].segments;
    }
}
