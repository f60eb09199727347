/* Products by AMX tiles, block after block. Part of amx.c. */
#ifndef FX_AMX_PRODUCTS_H
#define FX_AMX_PRODUCTS_H

#include "amx_blocks.h"
#include "avx512_product.h"

/* ---- products, in parts of FX_TILE sequences, which multiply one chunk after the other while its weights are near */

typedef struct {
    const fx_planned_product *of;
    uint32_t count;
    fx_planned_product each[FX_TILES];
} parts;

static parts parts_of_product(const fx_planned_product *product) {
    parts all = {.of = product, .count = (product->count + FX_TILE - 1) / FX_TILE};
    for (uint32_t i = 0; i < all.count; i++) {
        all.each[i] = fx_product_after(product, i * FX_TILE);
        all.each[i].count = all.each[i].count < FX_TILE ? all.each[i].count : FX_TILE;
    }
    return all;
}

/* ---- products of one stage, whose results are made while the next block is summed */

/* The look-up of exactly the two chunks from `chunk`, if it is the next one. */
INLINE const fx_look_up *look_up_of(riding *look_ups, const fx_planned_product *product, uint32_t chunk) {
    const bool next = look_ups->next < look_ups->end &&
                      product->arenas + look_ups->next->from == product->results + (size_t)chunk * FX_LANES;
    return next ? look_ups->next++ : NULL;
}

INLINE void multiply_high_form(const parts *all, fx_form form, bool wide) {
    const fx_planned_product *whole = all->of;
    const fx_packed *matrix = whole->matrix;
    riding look_ups = riding_of(whole);
    look_ups.end += whole->look_up_count;
    block blocks[2]; /* whose sums need no value here */
    finisher before = {.next = 0};
    uint32_t done = 0;
    for (uint32_t chunk = 0; chunk < matrix->chunks; chunk += 2) {
        const fx_look_up *look_up = look_up_of(&look_ups, whole, chunk);
        for (uint32_t i = 0; i < all->count; i++, done++) {
            block *own = blocks + done % 2;
            own->product = all->each + i, own->chunk = chunk, own->chunks = matrix->chunks - chunk < 2 ? 1 : 2;
            own->first = 0, own->end = matrix->groups;
            sum_block(own, form, wide, matrix->lanes + chunk, &before);
            whole->clipped->result += before.clipped;
            before = finisher_of(own, look_up);
        }
    }
    finish(&before, form, wide, FX_TILE);
    whole->clipped->result += before.clipped;
    ride_on(&look_ups, whole->count, whole->result_stride);
}

static void multiply_high(const parts *all) {
    const bool wide = all->of->matrix->stages->wide;
    if (all->of->matrix->form == FX_TOP) {
        multiply_high_form(all, FX_TOP, wide);
    } else if (wide) {
        multiply_high_form(all, FX_BYTES, true);
    } else {
        multiply_high_form(all, FX_BYTES, false);
    }
}

/* ---- products of any form and stages */

static void sum_groups(block *own, const fx_lane_stage *start) {
    switch (own->product->matrix->form) {
    case FX_TOP:
        sum_block(own, FX_TOP, false, start, NULL);
        break;
    case FX_SPLIT:
        sum_block(own, FX_SPLIT, false, start, NULL);
        break;
    default:
        sum_block(own, FX_BYTES, false, start, NULL);
    }
}

INLINE lanes any_lanes_at(const block *own, bool wide, uint32_t s, uint32_t c) {
    switch (own->product->matrix->form) {
    case FX_TOP:
        return lanes_at(own, FX_TOP, wide, s, c);
    case FX_SPLIT:
        return lanes_at(own, FX_SPLIT, true, s, c);
    default:
        return lanes_at(own, FX_BYTES, wide, s, c);
    }
}

/* A block's totals of all stages: their sums, or the ADC's codes of these. Sequence after sequence, chunk after chunk. */
static void sum_stages(block *own, lanes *totals) {
    const fx_planned_product *product = own->product;
    const fx_packed *matrix = product->matrix;
    for (uint32_t i = 0; i < matrix->stage_count; i++) {
        const fx_stage *stage = matrix->stages + i;
        const fx_lane_stage *start = matrix->lanes + own->chunk * matrix->stage_count + i;
        const bool wide = matrix->form == FX_SPLIT || stage->wide;
        own->first = stage->first_group, own->end = own->first + stage->groups;
        sum_groups(own, start);
        for (uint32_t place = 0; place < product->count * own->chunks; place++) {
            const uint32_t c = place % own->chunks;
            lanes sum = any_lanes_at(own, wide, place / own->chunks, c);
            if (matrix->adc_highest != 0) {
                sum =
                    converted(sum, wide, start + c * matrix->stage_count, matrix->adc_highest, &product->clipped->adc);
            }
            totals[place] = i == 0 ? sum : plus(totals[place], sum);
        }
    }
}

/* Results of a block. */
static void multiply_block(block *own) {
    const fx_planned_product *product = own->product;
    const fx_packed *matrix = product->matrix;
    const bool wide = matrix->adc_highest == 0 && (matrix->form == FX_SPLIT || matrix->stages->wide);
    lanes totals[2 * FX_TILE];
    sum_stages(own, totals);
    for (uint32_t c = 0; c < own->chunks; c++) {
        rescaling to = rescaling_of(product, own->chunk + c);
        for (uint32_t s = 0; s < product->count; s++, to.result += product->result_stride) {
            rescale(&to, totals[s * own->chunks + c], wide);
        }
        product->clipped->result += to.clipped;
    }
}

/* Keep a block's sums for multiplies to come, where these begin as accumulators. */
INLINE void keep_narrow(const block *own, fx_form form, int64_t *kept, size_t stride) {
    for (uint32_t s = 0; s < own->product->count; s++, kept += stride) {
        for (uint32_t c = 0; c < own->chunks; c++) {
            _mm512_storeu_si512(kept + c * FX_LANES, form == FX_TOP
                                                         ? _mm512_load_si512(own->sums[2 * c + FIRST_HIGH][s])
                                                         : narrow_sum_at(own, form, false, s, c));
        }
    }
}

/* Keep the sums of a block's groups, as the AVX-512 set does. */
static void keep_block(const block *own, int64_t *kept, size_t stride) {
    const fx_packed *matrix = own->product->matrix;
    const bool wide = matrix->form == FX_SPLIT || matrix->stages->wide;
    kept += own->chunk * FX_LANES;
    if (fx_is_high(matrix) && matrix->form == FX_TOP) {
        keep_narrow(own, FX_TOP, kept, stride);
    } else if (fx_is_high(matrix)) {
        keep_narrow(own, FX_BYTES, kept, stride);
    } else {
        for (uint32_t i = 0; i < own->product->count * own->chunks; i++) {
            const uint32_t s = i / own->chunks, c = i % own->chunks;
            keep(kept + s * stride + c * FX_LANES, any_lanes_at(own, wide, s, c));
        }
    }
}

/* All blocks of a product: results or, where `kept` is not NULL, sums of its leading groups. */
static void multiply_blocks(const parts *all, int64_t *kept, size_t stride) {
    const fx_packed *matrix = all->of->matrix;
    const uint32_t most = matrix->form == FX_SPLIT ? 1 : 2;
    block own; /* whose sums need no value here */
    for (own.chunk = 0; own.chunk < matrix->chunks; own.chunk += own.chunks) {
        own.chunks = matrix->chunks - own.chunk < most ? 1 : most;
        for (uint32_t i = 0; i < all->count; i++) {
            own.product = all->each + i;
            if (kept == NULL) {
                multiply_block(&own);
            } else {
                own.first = 0, own.end = matrix->ahead_groups;
                sum_groups(&own, NULL);
                keep_block(&own, kept + i * FX_TILE * stride, stride);
            }
        }
    }
}

static void multiply_by_tiles(const fx_planned_product *product) {
    const parts all = parts_of_product(product);
    configure();
    if (product->matrix->high != NULL) {
        multiply_high(&all);
    } else {
        riding look_ups = riding_of(product);
        multiply_blocks(&all, NULL, 0);
        look_ups.end += product->look_up_count;
        ride_on(&look_ups, product->count, product->result_stride);
    }
    tile_release();
}

static void multiply_ahead_by_tiles(const fx_planned_product *product, int64_t *kept, size_t stride) {
    const parts all = parts_of_product(product);
    configure();
    multiply_blocks(&all, kept, stride);
    tile_release();
}

#endif
