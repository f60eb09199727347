/* Products by AMX tiles, block by block: up to FX_TILE sequences times a chunk of 16-bit weights or two of 8-bit ones. Part of
 * amx.c.
 */
#ifndef FX_AMX_BLOCKS_H
#define FX_AMX_BLOCKS_H

#include "amx_tiles.h"
#include "avx512_drive.h"
#include "avx512_product.h"

#define BLOCK_WORDS (2 * FX_TILE) /* driven codes of FX_TILE groups: low bytes, then high bytes */

/* Tiles: sums of low and high bytes of codes times the first weights, then times the second; codes; weights. The second weights
 * are those of the next chunk or, of 16-bit weights, their high bytes. Numbers, as they become parts of instructions. */
#define FIRST_LOW 0
#define FIRST_HIGH 1
#define SECOND_LOW 2
#define SECOND_HIGH 3
#define LOW_CODES 4
#define HIGH_CODES 5
#define FIRST_WEIGHTS 6
#define SECOND_WEIGHTS 7

/* Some groups of a block, and their sums. */
typedef struct {
    const fx_planned_product *product;
    uint32_t chunk; /* the first */
    uint32_t chunks;
    uint32_t first; /* groups */
    uint32_t end;
    uint32_t finished; /* sequences of which the results stand */
    _Alignas(TILE_BYTES) int32_t sums[4][FX_TILE][FX_LANES];
} block;

/* What vector instructions do while tiles are multiplied, in equal shares beside each of their steps. */
typedef struct {
    block *done; /* the block before, of which results are made; NULL: none */
    riding look_ups;
    uint32_t results_per_step; /* sequences */
    uint32_t look_ups_per_step;
} beside;

static void drive_in_blocks(const fx_packed *matrix, const fx_segment *segment, uint32_t dac_bits,
                            const fx_driving *driving) {
    drive_each(matrix, segment, dac_bits, driving, true);
}

static void configure(uint32_t count) {
    tile_configuration configuration = {.palette = 1};
    for (uint32_t i = 0; i < TILES; i++) {
        configuration.row_bytes[i] = TILE_BYTES;
        configuration.rows[i] = (uint8_t)(i < FIRST_WEIGHTS ? count : TILE_ROWS);
    }
    tile_configure(&configuration);
}

/* ---- results */

/* The accumulators of a sequence and chunk, in the order of the AVX-512 set. */
INLINE void accumulators_at(const block *own, fx_form form, uint32_t s, uint32_t c, __m512i *acc) {
    if (form == FX_TOP) {
        acc[0] = _mm512_load_si512(own->sums[2 * c + FIRST_HIGH][s]);
        return;
    }
    acc[0] = _mm512_load_si512(own->sums[2 * c][s]);
    acc[1] = _mm512_load_si512(own->sums[2 * c + FIRST_HIGH][s]);
    if (form == FX_SPLIT) {
        acc[1] = _mm512_add_epi32(acc[1], _mm512_load_si512(own->sums[SECOND_LOW][s]));
        acc[2] = _mm512_load_si512(own->sums[SECOND_HIGH][s]);
    }
}

INLINE __m512i narrow_sum_at(const block *own, fx_form form, uint32_t s, uint32_t c) {
    __m512i acc[3];
    accumulators_at(own, form, s, c, acc);
    return narrow_sum(form, acc);
}

INLINE lanes lanes_at(const block *own, fx_form form, bool wide, uint32_t s, uint32_t c) {
    __m512i acc[3];
    accumulators_at(own, form, s, c, acc);
    return sums_of(form, wide, acc, form == FX_SPLIT ? sum_of_codes(own->product, own->first, own->end, s) : 0);
}

/* Make the results of the next sequence, where the matrix has high scales. */
INLINE void finish_one(block *own, fx_form form) {
    const uint32_t s = own->finished++;
    const fx_high_scales *scales = own->product->matrix->high + own->chunk;
    const uint32_t left = own->product->matrix->columns - own->chunk * FX_LANES;
    int16_t *result = own->product->results + s * own->product->result_stride + own->chunk * FX_LANES;
    const high_scales first = high_scales_at(scales), second = high_scales_at(scales + own->chunks - 1);
    __m512i one = rescaled(&first, narrow_sum_at(own, form, s, 0));
    __m512i other = own->chunks == 2 ? rescaled(&second, narrow_sum_at(own, form, s, 1)) : _mm512_setzero_si512();
    uint32_t columns = own->chunks == 2 || left < FX_LANES ? left : FX_LANES;
    own->product->clipped->result += put_two_chunks(result, columns, one, other);
}

/* ---- sums */

INLINE void do_beside(beside *others, fx_form form, uint32_t count, size_t stride) {
    for (uint32_t i = 0; others->done != NULL && i < others->results_per_step && others->done->finished < count; i++) {
        finish_one(others->done, form);
    }
    for (uint32_t i = 0; i < others->look_ups_per_step && others->look_ups.next < others->look_ups.end; i++) {
        ride(&others->look_ups, count, stride);
    }
}

/* All sequences begin alike: each row of a tile is the same one in memory. */
INLINE void begin_block(const block *own, fx_form form, const fx_lane_stage *start) {
    const uint32_t to_next_chunk = own->chunks == 2 ? own->product->matrix->stage_count : 0;
    tile_zero(FIRST_LOW);
    tile_zero(SECOND_LOW);
    if (start == NULL) {
        tile_zero(FIRST_HIGH);
        tile_zero(SECOND_HIGH);
        return;
    }
    tile_load(FIRST_HIGH, start->start[0], 0);
    tile_load(SECOND_HIGH, form == FX_SPLIT ? start->start[1] : start[to_next_chunk].start[0], 0);
}

INLINE void store_block(block *own, fx_form form) {
    if (form != FX_TOP) {
        tile_store(FIRST_LOW, own->sums[FIRST_LOW], TILE_BYTES);
        tile_store(SECOND_LOW, own->sums[SECOND_LOW], TILE_BYTES);
    }
    tile_store(FIRST_HIGH, own->sums[FIRST_HIGH], TILE_BYTES);
    tile_store(SECOND_HIGH, own->sums[SECOND_HIGH], TILE_BYTES);
}

/* The sums of a block; they begin at `start`, or at 0. Where there is no second chunk the first is multiplied twice. */
INLINE void sum_block(block *own, fx_form form, const fx_lane_stage *start, beside *others) {
    const fx_planned_product *product = own->product;
    const fx_packed *matrix = product->matrix;
    const size_t stride = product->word_stride * sizeof(uint32_t), bytes = group_bytes(form);
    const size_t to_second = form == FX_SPLIT ? TILE_BYTES : own->chunks == 2 ? matrix->chunk_bytes : 0;
    const uint32_t *codes = product->words + (size_t)own->first * FX_WORDS_PER_GROUP;
    const int8_t *weights = matrix->weights + own->chunk * matrix->chunk_bytes + own->first * bytes;
    begin_block(own, form, start);
    for (uint32_t i = own->first; i < own->end; i += FX_TILE, codes += BLOCK_WORDS, weights += FX_TILE * bytes) {
        tile_load(HIGH_CODES, codes + FX_TILE, stride);
        tile_load(FIRST_WEIGHTS, weights, bytes);
        tile_dot(FIRST_HIGH, HIGH_CODES, FIRST_WEIGHTS);
        tile_load(SECOND_WEIGHTS, weights + to_second, bytes);
        tile_dot(SECOND_HIGH, HIGH_CODES, SECOND_WEIGHTS);
        if (form != FX_TOP) {
            tile_load(LOW_CODES, codes, stride);
            tile_dot(FIRST_LOW, LOW_CODES, FIRST_WEIGHTS);
            tile_dot(SECOND_LOW, LOW_CODES, SECOND_WEIGHTS);
        }
        do_beside(others, form, product->count, product->result_stride);
    }
    store_block(own, form);
}

/* ---- products of one stage, whose results are made while the next block is summed */

INLINE void multiply_high_form(const fx_planned_product *product, fx_form form) {
    const fx_packed *matrix = product->matrix;
    const uint32_t count = product->count, steps = matrix->groups / FX_TILE;
    block blocks[2]; /* whose sums need no value here */
    beside others = {.look_ups = riding_of(product), .results_per_step = (count + steps - 1) / steps};
    for (uint32_t chunk = 0, i = 0; chunk < matrix->chunks; chunk += 2, i ^= 1) {
        block *own = blocks + i;
        own->product = product, own->chunk = chunk, own->chunks = matrix->chunks - chunk < 2 ? 1 : 2;
        own->first = 0, own->end = matrix->groups, own->finished = 0;
        let_ride(&others.look_ups, product, others.done == NULL ? 0 : others.done->chunk);
        others.look_ups_per_step = ((uint32_t)(others.look_ups.end - others.look_ups.next) * count + steps - 1) / steps;
        sum_block(own, form, matrix->lanes + chunk, &others);
        others.done = own;
    }
    while (others.done->finished < count) {
        finish_one(others.done, form);
    }
    others.look_ups.end = product->look_ups + product->look_up_count;
    ride_on(&others.look_ups, count, product->result_stride);
}

static void multiply_high(const fx_planned_product *product) {
    if (product->matrix->form == FX_TOP) {
        multiply_high_form(product, FX_TOP);
    } else {
        multiply_high_form(product, FX_BYTES);
    }
}

/* ---- products of any form and stages */

static void sum_groups(block *own, const fx_lane_stage *start) {
    beside nothing = {.done = NULL};
    switch (own->product->matrix->form) {
    case FX_TOP:
        sum_block(own, FX_TOP, start, &nothing);
        break;
    case FX_SPLIT:
        sum_block(own, FX_SPLIT, start, &nothing);
        break;
    default:
        sum_block(own, FX_BYTES, start, &nothing);
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
                sum = converted(sum, wide, start + c * matrix->stage_count, matrix->adc_highest, &product->clipped->adc);
            }
            totals[place] = i == 0 ? sum : plus(totals[place], sum);
        }
    }
}

static void multiply_stages(const fx_planned_product *product) {
    const fx_packed *matrix = product->matrix;
    const uint32_t most = matrix->form == FX_SPLIT ? 1 : 2;
    const bool wide = matrix->adc_highest == 0 && (matrix->form == FX_SPLIT || matrix->stages->wide);
    block own; /* whose sums need no value here */
    lanes totals[2 * FX_TILE];
    own.product = product;
    for (own.chunk = 0; own.chunk < matrix->chunks; own.chunk += own.chunks) {
        own.chunks = matrix->chunks - own.chunk < most ? 1 : most;
        sum_stages(&own, totals);
        for (uint32_t c = 0; c < own.chunks; c++) {
            rescaling to = rescaling_of(product, own.chunk + c);
            for (uint32_t s = 0; s < product->count; s++, to.result += product->result_stride) {
                rescale(&to, totals[s * own.chunks + c], wide);
            }
            product->clipped->result += to.clipped;
        }
    }
    riding look_ups = riding_of(product);
    look_ups.end += product->look_up_count;
    ride_on(&look_ups, product->count, product->result_stride);
}

static void multiply_by_tiles(const fx_planned_product *product) {
    configure(product->count);
    if (product->matrix->high != NULL) {
        multiply_high(product);
    } else {
        multiply_stages(product);
    }
    tile_release();
}

/* The sums of the leading groups, as the AVX-512 set keeps them. */
static void multiply_ahead_by_tiles(const fx_planned_product *product, int64_t *kept, size_t stride) {
    const fx_packed *matrix = product->matrix;
    const uint32_t most = matrix->form == FX_SPLIT ? 1 : 2;
    const bool wide = matrix->form == FX_SPLIT || matrix->stages->wide;
    block own; /* whose sums need no value here */
    own.product = product, own.first = 0, own.end = matrix->ahead_groups;
    configure(product->count);
    for (own.chunk = 0; own.chunk < matrix->chunks; own.chunk += own.chunks) {
        own.chunks = matrix->chunks - own.chunk < most ? 1 : most;
        sum_groups(&own, NULL);
        for (uint32_t i = 0; i < product->count * own.chunks; i++) {
            const uint32_t s = i / own.chunks, c = i % own.chunks;
            int64_t *to = kept + s * stride + (own.chunk + c) * FX_LANES;
            if (matrix->high != NULL) {
                fx_form form = matrix->form == FX_TOP ? FX_TOP : FX_BYTES;
                __m512i acc[3];
                accumulators_at(&own, form, s, c, acc);
                _mm512_storeu_si512(to, form == FX_TOP ? acc[0] : narrow_sum(form, acc));
            } else {
                keep(to, any_lanes_at(&own, wide, s, c));
            }
        }
    }
    tile_release();
}

#endif
