/* Blocks: up to FX_TILE sequences times a chunk of 16-bit weights or two of 8-bit ones, and results of their sums. Part of amx.c. */
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
    const fx_planned_product *product; /* of its sequences alone */
    uint32_t chunk;                    /* the first */
    uint32_t chunks;
    uint32_t first; /* groups */
    uint32_t end;
    _Alignas(TILE_BYTES) int32_t sums[4][FX_TILE][FX_LANES];
} block;

static void drive_in_blocks(const fx_packed *matrix, const fx_segment *segment, uint32_t dac_bits,
                            const fx_driving *driving) {
    drive_each(matrix, segment, dac_bits, driving, true);
}

/* Whole tiles, also of fewer sequences: what stands behind those gives sums that nobody reads. */
static void configure(void) {
    tile_configuration configuration = {.palette = 1};
    for (uint32_t i = 0; i < TILES; i++) {
        configuration.row_bytes[i] = TILE_BYTES;
        configuration.rows[i] = TILE_ROWS;
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

/* In 32 bits; of wide sums what they may be limited to. */
INLINE __m512i narrow_sum_at(const block *own, fx_form form, bool wide, uint32_t s, uint32_t c) {
    const __m512i limit = _mm512_set1_epi32(FX_HIGH_SUM_LIMIT), least = _mm512_set1_epi32(-FX_HIGH_SUM_LIMIT);
    __m512i acc[3];
    accumulators_at(own, form, s, c, acc);
    if (wide) {
        __m512i *high = acc + parts_of(form) - 1;
        *high = _mm512_max_epi32(_mm512_min_epi32(*high, limit), least);
    }
    return narrow_sum(form, acc);
}

INLINE lanes lanes_at(const block *own, fx_form form, bool wide, uint32_t s, uint32_t c) {
    __m512i acc[3];
    accumulators_at(own, form, s, c, acc);
    return sums_of(form, wide, acc, form == FX_SPLIT ? sum_of_codes(own->product, own->first, own->end, s) : 0);
}

/* What makes results of a block's sums, where the matrix has high scales: sequence after sequence. */
typedef struct {
    const block *from;
    high_scales first, second;
    int16_t *result; /* of the next sequence */
    size_t stride;
    uint32_t columns;
    uint32_t next;
    uint32_t end;
    const int16_t *table; /* of the results' activation, or NULL */
    int16_t *looked_up;
    uint32_t clipped;
} finisher;

INLINE finisher finisher_of(const block *from, const fx_look_up *look_up) {
    const fx_planned_product *product = from->product;
    const fx_high_scales *scales = product->matrix->high + from->chunk;
    const uint32_t left = product->matrix->columns - from->chunk * FX_LANES;
    return (finisher){
        .from = from,
        .first = high_scales_at(scales),
        .second = high_scales_at(scales + from->chunks - 1),
        .result = product->results + from->chunk * FX_LANES,
        .stride = product->result_stride,
        .columns = from->chunks == 2 || left < FX_LANES ? left : FX_LANES,
        .end = product->count,
        .table = look_up == NULL ? NULL : look_up->table,
        .looked_up = look_up == NULL ? NULL : product->arenas + look_up->to,
    };
}

/* Make results up to those of sequence `end`. */
INLINE void finish(finisher *own, fx_form form, bool wide, uint32_t end) {
    for (end = end < own->end ? end : own->end; own->next < end; own->next++) {
        __m512i one = rescaled(&own->first, narrow_sum_at(own->from, form, wide, own->next, 0));
        __m512i other = own->from->chunks == 2
                            ? rescaled(&own->second, narrow_sum_at(own->from, form, wide, own->next, 1))
                            : _mm512_setzero_si512();
        own->clipped += put_two_chunks(own->result, own->columns, one, other);
        if (own->table != NULL) {
            look_up_piece(own->table, own->result, own->looked_up);
            own->looked_up += own->stride;
        }
        own->result += own->stride;
    }
}

/* ---- sums */

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

/* The sums of a block, which begin at `start` or at 0, and beside them results of the one before. Where there is no second chunk
 * the first is multiplied twice. */
INLINE void sum_block(block *own, fx_form form, bool wide, const fx_lane_stage *start, finisher *before) {
    const fx_planned_product *product = own->product;
    const fx_packed *matrix = product->matrix;
    const size_t stride = product->word_stride * sizeof(uint32_t), bytes = group_bytes(form);
    const size_t to_second = form == FX_SPLIT ? TILE_BYTES : own->chunks == 2 ? matrix->chunk_bytes : 0;
    const uint32_t *codes = product->words + (size_t)own->first * FX_WORDS_PER_GROUP;
    const uint32_t share = (FX_TILE * FX_TILE + own->end - own->first - 1) / (own->end - own->first);
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
        if (before != NULL) {
            finish(before, form, wide, before->next + share);
        }
    }
    store_block(own, form);
}

#endif
