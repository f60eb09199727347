/* Products of a few sequences, tile by tile: dot products, converters, look-ups beside them. Part of the sets avx512 and amx. */
#ifndef FX_AVX512_PRODUCT_H
#define FX_AVX512_PRODUCT_H

#include "avx512_rescale.h"
#include "avx512_tiles.h"

/* ---- tiles */

/* The sum of a sequence's driven codes in segments that begin in groups first..end. */
INLINE int64_t sum_of_codes(const fx_planned_product *product, uint32_t first, uint32_t end, uint32_t sequence) {
    const fx_packed *matrix = product->matrix;
    const uint32_t *words = product->words + sequence * product->word_stride;
    const int64_t *sums = (const void *)(words + fx_code_words(matrix));
    int64_t sum = 0;
    for (uint32_t i = 0; i < matrix->segment_count; i++) {
        bool inside = matrix->segments[i].first_group >= first && matrix->segments[i].first_group < end;
        sum += inside ? sums[i] : 0;
    }
    return sum;
}

/* The exact sum of a sequence and a chunk of the tile. */
INLINE lanes sum_at(const tile *own, fx_form form, bool wide, uint32_t s, uint32_t c) {
    int64_t codes = form == FX_SPLIT ? sum_of_codes(own->product, own->first, own->end, s) : 0;
    lanes sum = sums_of(form, wide, own->acc + (s * own->chunks + c) * parts_of(form), codes);
    return own->ahead == NULL || fx_is_high(own->product->matrix)
               ? sum
               : plus(sum, load(own->ahead + s * own->product->ahead_stride + c * FX_LANES));
}

/* A tile of a digital program: rescale its sums. */
INLINE void rescale_tile(const tile *own, fx_form form, bool wide) {
    uint32_t clipped = 0;
    for (uint32_t c = 0; c < own->chunks; c++) {
        rescaling to = rescaling_of(own->product, own->chunk + c);
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
        for (uint32_t s = 0; s < own->count; s++) {
            lanes sum = sum_at(own, form, wide, s, c);
            lanes code = converted(sum, wide, adc, matrix->adc_highest, &own->product->clipped->adc);
            totals[s * own->chunks + c] = plus(totals[s * own->chunks + c], code);
        }
    }
}

INLINE void rescale_totals(const tile *own, const lanes *totals) {
    for (uint32_t c = 0; c < own->chunks; c++) {
        rescaling to = rescaling_of(own->product, own->chunk + c);
        for (uint32_t s = 0; s < own->count; s++, to.result += own->product->result_stride) {
            rescale(&to, totals[s * own->chunks + c], false);
        }
        own->product->clipped->result += to.clipped;
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
    own->end = stage->end;
    function(own, true);
}

INLINE void multiply_tile(tile *own, fx_form form, tile_function *function) {
    const fx_packed *matrix = own->product->matrix;
    if (matrix->adc_highest == 0) {
        run_stage(own, 0, function);
        if (!fx_is_high(matrix)) {
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

/* Let the look-ups of all columns before a chunk ride. */
INLINE void let_ride(riding *look_ups, const fx_planned_product *product, uint32_t chunk) {
    const fx_look_up *end = product->look_ups + product->look_up_count;
    const int16_t *standing = product->results + (size_t)chunk * FX_LANES;
    while (look_ups->end < end && product->arenas + look_ups->end->from + LOOKED_UP <= standing) {
        look_ups->end++;
    }
}

INLINE void multiply_form(const fx_planned_product *product, fx_form form, const tile_shape *shape) {
    const fx_packed *matrix = product->matrix;
    tile own; /* whose accumulators need no value here */
    own.product = product, own.count = shape->count, own.chunks = shape->chunks;
    own.look_ups = riding_of(product);
    for (own.chunk = 0; own.chunk < matrix->chunks; own.chunk += own.chunks) {
        bool whole = own.chunk + shape->chunks <= matrix->chunks;
        own.chunks = whole ? shape->chunks : 1;
        let_ride(&own.look_ups, product, own.chunk);
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
            if (fx_is_high(own->product->matrix)) {
                _mm512_storeu_si512(to, form == FX_TOP ? acc[0] : narrow_sum(form, acc));
            } else {
                keep(to, sum_at(own, form, wide, s, c));
            }
        }
    }
}

/* The sums of the leading groups. */
static void keep_sums(const fx_planned_product *product, const tile_shape *shape, int64_t *kept, size_t stride) {
    const fx_packed *matrix = product->matrix;
    tile own; /* whose accumulators need no value here */
    own.product = product, own.count = shape->count, own.chunk = 0;
    own.ahead = NULL, own.first = 0, own.end = matrix->ahead_end;
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
static const tile_shape *shape_for(fx_form form, uint32_t count, uint32_t chunks) {
    const tile_shape *shape = SHAPES[form];
    while (shape->count > count || (shape->chunks > 4 && chunks % shape->chunks != 0)) {
        shape++;
    }
    return shape;
}

static void multiply(const fx_planned_product *product) {
    static void (*const by_form[])(const fx_planned_product *, const tile_shape *) = {
        [FX_WORDS] = multiply_words, [FX_BYTES] = multiply_bytes, [FX_TOP] = multiply_top, [FX_SPLIT] = multiply_split};
    for (fx_planned_product left = *product; left.count > 0;) {
        const tile_shape *shape = shape_for(product->matrix->form, left.count, product->matrix->chunks);
        by_form[product->matrix->form](&left, shape);
        left = fx_product_after(&left, shape->count);
    }
}

static void multiply_ahead(const fx_planned_product *product, int64_t *sums, size_t sum_stride) {
    for (fx_planned_product left = *product; left.count > 0;) {
        const tile_shape *shape = shape_for(product->matrix->form, left.count, product->matrix->chunks);
        keep_sums(&left, shape, sums + (product->count - left.count) * sum_stride, sum_stride);
        left = fx_product_after(&left, shape->count);
    }
}

#endif
