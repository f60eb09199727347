/* Kernels for x86-64 with AVX-512 VNNI: products of bytes and words, 16 columns at a time; everything else 16 or 32 codes. */
#include "plan.h"

#if defined(__x86_64__) && defined(__GNUC__)
#include <immintrin.h>
#ifdef __clang__
#pragma clang attribute push(__attribute__((target("avx512f,avx512bw,avx512vl,avx512dq,avx512vnni,bmi,bmi2,popcnt"))), \
                             apply_to = function)
#else
#pragma GCC target("avx512f,avx512bw,avx512vl,avx512dq,avx512vnni,bmi,bmi2,popcnt")
#endif

#include "../kernels/kernels.h"
#include "avx512_drive.h"
#include "avx512_elementwise.h"
#include "avx512_lanes.h"
#include "avx512_sums.h"
#include "avx512_tiles.h"

/* ---- tiles */

/* The sum of a sequence's driven codes in segments that begin in the tile's groups. */
INLINE int64_t sum_of_codes(const tile *own, uint32_t sequence) {
    const fx_packed *matrix = own->product->matrix;
    const uint32_t *words = own->product->words + sequence * own->product->word_stride;
    const int64_t *sums = (const void *)(words + fx_code_words(matrix));
    int64_t sum = 0;
    for (uint32_t i = 0; i < matrix->segment_count; i++) {
        bool inside = matrix->segments[i].first_group >= own->first && matrix->segments[i].first_group < own->end;
        sum += inside ? sums[i] : 0;
    }
    return sum;
}

/* The exact sum of a sequence and a chunk of the tile. */
INLINE lanes sum_at(const tile *own, fx_form form, bool wide, uint32_t s, uint32_t c) {
    int64_t codes = form == FX_SPLIT ? sum_of_codes(own, s) : 0;
    lanes sum = sums_of(form, wide, own->acc + (s * own->chunks + c) * parts_of(form), codes);
    return own->ahead == NULL || own->product->matrix->high != NULL
               ? sum
               : plus(sum, load(own->ahead + s * own->product->ahead_stride + c * FX_LANES));
}

/* Results of a chunk from sums, `stride` apart for the sequences. */
typedef struct {
    lanes mantissa, bias, shift;
    uint32_t columns;
    int16_t *result;
    uint32_t clipped;
} rescaling;

INLINE rescaling rescaling_of(const tile *own, uint32_t c) {
    const fx_planned_product *product = own->product;
    const fx_lane_scales *scales = product->matrix->scales + own->chunk + c;
    return (rescaling){.mantissa = load(scales->mantissa),
                       .bias = load(scales->bias),
                       .shift = load(scales->shift),
                       .columns = product->matrix->columns - (own->chunk + c) * FX_LANES,
                       .result = product->results + (own->chunk + c) * FX_LANES};
}

INLINE void rescale(rescaling *to, lanes sum, bool wide) {
    lanes exact = shifted(plus(product_of(sum, to->mantissa, wide), to->bias), to->shift);
    to->clipped += not_codes(exact);
    put_codes(to->result, to->columns, exact);
}

/* A tile of a digital program: rescale its sums. */
INLINE void rescale_tile(const tile *own, fx_form form, bool wide) {
    uint32_t clipped = 0;
    for (uint32_t c = 0; c < own->chunks; c++) {
        rescaling to = rescaling_of(own, c);
        for (uint32_t s = 0; s < own->count; s++, to.result += own->product->result_stride) {
            rescale(&to, sum_at(own, form, wide, s, c), wide);
        }
        clipped += to.clipped;
    }
    own->product->clipped->result += clipped;
}

/* One stage of several: add its ADC codes to the totals, in the unit of the columns' sums. */
INLINE void convert_tile(const tile *own, fx_form form, bool wide, lanes *totals) {
    const fx_packed *matrix = own->product->matrix;
    for (uint32_t c = 0; c < own->chunks; c++) {
        const fx_lane_stage *adc = own->lanes + c * matrix->stage_count;
        const lanes gain = load(adc->gain), half = load(adc->half), shift = load(adc->shift), left = load(adc->left);
        for (uint32_t s = 0; s < own->count; s++) {
            lanes exact = shifted(plus(product_of(sum_at(own, form, wide, s, c), gain, wide), half), shift);
            lanes code = saturated(exact, matrix->adc_highest, &own->product->clipped->adc);
            code = (lanes){_mm512_sllv_epi64(code.even, left.even), _mm512_sllv_epi64(code.odd, left.odd)};
            totals[s * own->chunks + c] = plus(totals[s * own->chunks + c], code);
        }
    }
}

INLINE void rescale_totals(const tile *own, const lanes *totals) {
    for (uint32_t c = 0; c < own->chunks; c++) {
        rescaling to = rescaling_of(own, c);
        for (uint32_t s = 0; s < own->count; s++, to.result += own->product->result_stride) {
            rescale(&to, totals[s * own->chunks + c], false);
        }
        own->product->clipped->result += to.clipped;
    }
}

/* ---- around an array's tiles */

static void add_codes(const int16_t *codes, uint32_t align, int64_t *sums, uint32_t columns) {
    const __m128i left = _mm_cvtsi32_si128((int)align);
    for (uint32_t i = 0; i < columns; i += 8) {
        __mmask8 own = half_left(columns - i);
        __m512i code = _mm512_cvtepi16_epi64(_mm_maskz_loadu_epi16(own, codes + i));
        __m512i sum = _mm512_maskz_loadu_epi64(own, sums + i);
        _mm512_mask_storeu_epi64(sums + i, own, _mm512_add_epi64(sum, _mm512_sll_epi64(code, left)));
    }
}

static void rescale_sums(const fx_planned_product *product, const int64_t *sums) {
    tile own; /* whose accumulators need no value here */
    own.product = product, own.chunk = 0;
    for (uint32_t c = 0; c < product->matrix->chunks; c++) {
        rescaling to = rescaling_of(&own, c);
        const int64_t *columns = sums + c * FX_LANES;
        for (uint32_t s = 0; s < product->count; s++, to.result += product->result_stride) {
            rescale(&to, load_some(columns + s * product->matrix->columns, to.columns), true);
        }
        product->clipped->result += to.clipped;
    }
}

/* ---- stages */

/* Fill the accumulators of a stage; of the leading one only what has not been multiplied ahead. */
INLINE void run_stage(tile *own, uint32_t index, tile_function *function) {
    const fx_planned_product *product = own->product;
    const fx_stage *stage = product->matrix->stages + index;
    bool ahead = index == 0 && product->ahead != NULL;
    own->lanes = product->matrix->lanes + own->chunk * product->matrix->stage_count + index;
    own->ahead = ahead ? product->ahead + own->chunk * FX_LANES : NULL;
    own->first = index == 0 ? product->first_group : stage->first_group;
    own->end = stage->first_group + stage->groups;
    function(own, true);
}

INLINE void multiply_tile(tile *own, fx_form form, tile_function *function) {
    const fx_packed *matrix = own->product->matrix;
    if (matrix->adc_highest == 0) {
        run_stage(own, 0, function);
        if (matrix->high == NULL) {
            rescale_tile(own, form, form == FX_SPLIT || (form != FX_WORDS && matrix->stages->wide));
        }
        return;
    }
    lanes totals[MOST_SUMS] = {{_mm512_setzero_si512(), _mm512_setzero_si512()}};
    for (uint32_t i = 0; i < matrix->stage_count; i++) {
        run_stage(own, i, function);
        convert_tile(own, form, form == FX_SPLIT || (form != FX_WORDS && matrix->stages[i].wide), totals);
    }
    rescale_totals(own, totals);
}

/* Let the look-ups of all columns before the tile's ride with it. */
INLINE void let_ride(tile *own) {
    const fx_planned_product *product = own->product;
    const fx_look_up *end = product->look_ups + product->look_up_count;
    const int16_t *standing = product->results + own->chunk * FX_LANES;
    riding *look_ups = &own->look_ups;
    while (look_ups->end < end && product->arenas + look_ups->end->from + FX_LOOKED_UP <= standing) {
        look_ups->end++;
    }
}

INLINE void multiply_form(const fx_planned_product *product, fx_form form, const tile_shape *shape) {
    const fx_packed *matrix = product->matrix;
    tile own; /* whose accumulators need no value here */
    own.product = product, own.count = shape->count, own.chunks = shape->chunks;
    own.look_ups =
        (riding){.next = product->look_ups, .end = product->look_ups, .arena = product->arenas, .sequence = 0};
    for (own.chunk = 0; own.chunk < matrix->chunks; own.chunk += own.chunks) {
        bool whole = own.chunk + shape->chunks <= matrix->chunks;
        own.chunks = whole ? shape->chunks : 1;
        let_ride(&own);
        multiply_tile(&own, form, whole ? shape->whole : shape->single);
    }
    own.look_ups.end = product->look_ups + product->look_up_count;
    ride_on(&own.look_ups, shape->count, product->result_stride);
}

static void multiply_words(const fx_planned_product *product, const tile_shape *shape) {
    multiply_form(product, FX_WORDS, shape);
}

static void multiply_bytes(const fx_planned_product *product, const tile_shape *shape) {
    multiply_form(product, FX_BYTES, shape);
}

static void multiply_top(const fx_planned_product *product, const tile_shape *shape) {
    multiply_form(product, FX_TOP, shape);
}

static void multiply_split(const fx_planned_product *product, const tile_shape *shape) {
    multiply_form(product, FX_SPLIT, shape);
}

/* Keep a tile's sums for multiplies to come: as accumulators that begin there, or widened. */
INLINE void keep_tile(const tile *own, fx_form form, bool wide, int64_t *kept, size_t stride) {
    for (uint32_t s = 0; s < own->count; s++, kept += stride) {
        for (uint32_t c = 0; c < own->chunks; c++) {
            int64_t *to = kept + (own->chunk + c) * FX_LANES;
            const __m512i *acc = own->acc + (s * own->chunks + c) * parts_of(form);
            if (own->product->matrix->high != NULL) {
                _mm512_storeu_si512(to, form == FX_TOP ? acc[0] : narrow_sum(form, acc));
            } else {
                lanes sum = sum_at(own, form, wide, s, c);
                _mm512_storeu_si512(to, sum.even);
                _mm512_storeu_si512(to + FX_LANES / 2, sum.odd);
            }
        }
    }
}

/* The sums of the leading groups. */
static void keep_sums(const fx_planned_product *product, const tile_shape *shape, int64_t *kept, size_t stride) {
    const fx_packed *matrix = product->matrix;
    tile own; /* whose accumulators need no value here */
    own.product = product, own.count = shape->count, own.chunk = 0;
    own.ahead = NULL, own.first = 0, own.end = matrix->ahead_groups;
    own.look_ups = (riding){.next = NULL, .end = NULL, .arena = NULL, .sequence = 0};
    for (; own.chunk < matrix->chunks; own.chunk += own.chunks) {
        bool whole = own.chunk + shape->chunks <= matrix->chunks;
        own.chunks = whole ? shape->chunks : 1;
        (whole ? shape->whole : shape->single)(&own, false);
        if (matrix->form == FX_WORDS) {
            keep_tile(&own, FX_WORDS, false, kept, stride);
        } else if (matrix->form == FX_SPLIT) {
            keep_tile(&own, FX_SPLIT, true, kept, stride);
        } else if (matrix->form == FX_TOP) {
            keep_tile(&own, FX_TOP, matrix->stages->wide, kept, stride);
        } else {
            keep_tile(&own, FX_BYTES, matrix->stages->wide, kept, stride);
        }
    }
}

/* The shape for the next of `count` sequences. */
static const tile_shape *shape_for(fx_form form, uint32_t count) {
    const tile_shape *shape = SHAPES[form];
    while (shape->count > count) {
        shape++;
    }
    return shape;
}

static void multiply(const fx_planned_product *product) {
    static void (*const by_form[])(const fx_planned_product *, const tile_shape *) = {
        [FX_WORDS] = multiply_words, [FX_BYTES] = multiply_bytes, [FX_TOP] = multiply_top, [FX_SPLIT] = multiply_split};
    for (fx_planned_product left = *product; left.count > 0;) {
        const tile_shape *shape = shape_for(product->matrix->form, left.count);
        by_form[product->matrix->form](&left, shape);
        left = fx_product_after(&left, shape->count);
    }
}

static void multiply_ahead(const fx_planned_product *product, int64_t *sums, size_t sum_stride) {
    for (fx_planned_product left = *product; left.count > 0;) {
        const tile_shape *shape = shape_for(product->matrix->form, left.count);
        keep_sums(&left, shape, sums + (product->count - left.count) * sum_stride, sum_stride);
        left = fx_product_after(&left, shape->count);
    }
}

static const struct fx_planning PLANNING = {
    .bytes = true,
    .drive = drive,
    .multiply = multiply,
    .looks_up = true,
    .multiply_ahead = multiply_ahead,
    .drive_rows = drive_rows,
    .add_codes = add_codes,
    .rescale = rescale_sums,
    .look_up = look_up,
    .elementwise =
        {
            [FX_OPERATION_PRODUCT] = product,
            [FX_OPERATION_PRODUCT_SUM] = product_sum,
            [FX_OPERATION_SUM] = sum,
            [FX_OPERATION_COMPLEMENT] = complement,
            [FX_OPERATION_INTERPOLATE] = interpolate,
            [FX_OPERATION_COPY] = copy,
            [FX_OPERATION_CLAMP] = clamp,
        },
};

static bool usable(void) {
    return __builtin_cpu_supports("avx512f") && __builtin_cpu_supports("avx512bw") &&
           __builtin_cpu_supports("avx512vl") && __builtin_cpu_supports("avx512dq") &&
           __builtin_cpu_supports("avx512vnni") && __builtin_cpu_supports("bmi2");
}

const fx_kernels fx_kernels_avx512 = {
    .name = "avx512-vnni",
    .needs = "AVX-512 VNNI",
    .usable = usable,
    .planning = &PLANNING,
    FX_PORTABLE_LOOPS,
};
#ifdef __clang__
#pragma clang attribute pop
#endif
#endif
