/* Tiles: a few sequences times a few chunks, whose accumulators fill the registers while groups of rows are multiplied. Part of
 * the sets avx512 and amx, each with its own look_up_piece.
 */
#ifndef FX_AVX512_TILES_H
#define FX_AVX512_TILES_H

#include <immintrin.h>

#include "avx512_high.h"
#include "avx512_sums.h"

/* Look-ups of results that stand, and how far they are: piece after piece, for each the tile's sequences. */
typedef struct {
    const fx_look_up *next;
    const fx_look_up *end;
    int16_t *arena; /* of the sequence that is next */
    uint32_t sequence;
} riding;

/* None of a product's yet. */
INLINE riding riding_of(const fx_planned_product *product) {
    return (riding){.next = product->look_ups, .end = product->look_ups, .arena = product->arenas, .sequence = 0};
}

/* Do the next one of `count` sequences, whose arenas are `stride` apart. */
INLINE void ride(riding *look_ups, uint32_t count, size_t stride) {
    const fx_look_up *piece = look_ups->next;
    look_up_piece(piece->table, look_ups->arena + piece->from, look_ups->arena + piece->to);
    look_ups->arena += stride;
    if (++look_ups->sequence == count) {
        look_ups->arena -= count * stride;
        look_ups->sequence = 0;
        look_ups->next++;
    }
}

/* Do all that are left. */
INLINE void ride_on(riding *look_ups, uint32_t count, size_t stride) {
    while (look_ups->sequence > 0) {
        ride(look_ups, count, stride);
    }
    for (const fx_look_up *piece = look_ups->next; piece < look_ups->end; piece++) {
        int16_t *arena = look_ups->arena;
        for (uint32_t s = 0; s < count; s++, arena += stride) {
            look_up_piece(piece->table, arena + piece->from, arena + piece->to);
        }
    }
}

/* One stage of a tile, and its accumulators: sequence after sequence, chunk after chunk. */
typedef struct {
    const fx_planned_product *product;
    const fx_lane_stage *lanes; /* of the first chunk */
    const int64_t *ahead;       /* what has been multiplied ahead, of the first chunk, or NULL */
    uint32_t count;             /* sequences */
    uint32_t chunks;
    uint32_t chunk; /* the first */
    uint32_t first; /* groups */
    uint32_t end;
    riding look_ups; /* of earlier tiles' results */
    __m512i acc[MOST_SUMS];
} tile;

/* Fill a tile's accumulators; if the matrix has high scales, rescale them instead. `start`: whether they begin at its lanes'. */
typedef void tile_function(tile *own, bool start);

INLINE void begin_tile(__m512i *acc, const tile *own, bool start, fx_form form, uint32_t count, uint32_t chunks) {
    const fx_packed *matrix = own->product->matrix;
    const bool ahead = own->ahead != NULL && fx_is_high(matrix);
    UNROLL for (uint32_t c = 0; c < chunks; c++) {
        begin(acc + c * parts_of(form), form, count, chunks, start ? own->lanes + c * matrix->stage_count : NULL,
              ahead ? own->ahead + c * FX_LANES : NULL, own->product->ahead_stride);
    }
}

/* Add all groups of a tile; between the dot products of each there is time for a look-up. */
INLINE void add_groups(__m512i *acc, tile *own, fx_form form, uint32_t count, uint32_t chunks) {
    const fx_planned_product *product = own->product;
    const size_t chunk_bytes = product->matrix->chunk_bytes;
    const uint32_t bytes = group_bytes(form);
    const int8_t *group = product->matrix->weights + own->chunk * chunk_bytes + (size_t)own->first * bytes;
    const uint32_t *words = product->words + (size_t)own->first * FX_WORDS_PER_GROUP;
    for (uint32_t i = own->first; i < own->end; i++, group += bytes, words += FX_WORDS_PER_GROUP) {
        add_group(acc, form, group, chunk_bytes, chunks, words, product->word_stride, count);
        if (own->look_ups.next < own->look_ups.end) {
            ride(&own->look_ups, count, product->result_stride);
        }
    }
}

INLINE void run_tile(tile *own, bool start, fx_form form, uint32_t count, uint32_t chunks) {
    const fx_planned_product *product = own->product;
    const uint32_t parts = parts_of(form), sums = count * chunks;
    __m512i acc[MOST_SUMS];
    begin_tile(acc, own, start, form, count, chunks);
    add_groups(acc, own, form, count, chunks);
    if (start && fx_is_high(product->matrix)) {
        UNROLL for (uint32_t i = 0; i < sums; i++) {
            acc[i] = narrow_sum(form, acc + i * parts);
        }
        product->clipped->result += rescale_high(product, own->chunk, count, chunks, acc);
        return;
    }
    UNROLL for (uint32_t i = 0; i < sums * parts; i++) {
        own->acc[i] = acc[i];
    }
}

#define DEFINE(form, count, chunks)                                                                                    \
    static void form##_##count##_##chunks(tile *own, bool start) {                                                     \
        run_tile(own, start, FX_##form, count, chunks);                                                                \
    }

DEFINE(WORDS, 6, 4)
DEFINE(WORDS, 6, 1)
DEFINE(WORDS, 4, 4)
DEFINE(WORDS, 4, 1)
DEFINE(WORDS, 2, 4)
DEFINE(WORDS, 2, 1)
DEFINE(WORDS, 1, 4)
DEFINE(WORDS, 1, 1)
DEFINE(BYTES, 6, 2)
DEFINE(BYTES, 6, 1)
DEFINE(BYTES, 4, 2)
DEFINE(BYTES, 4, 1)
DEFINE(BYTES, 2, 4)
DEFINE(BYTES, 2, 1)
DEFINE(BYTES, 1, 8)
DEFINE(BYTES, 1, 4)
DEFINE(BYTES, 1, 1)
DEFINE(TOP, 6, 4)
DEFINE(TOP, 6, 1)
DEFINE(TOP, 4, 4)
DEFINE(TOP, 4, 1)
DEFINE(TOP, 2, 4)
DEFINE(TOP, 2, 1)
DEFINE(TOP, 1, 4)
DEFINE(TOP, 1, 1)
DEFINE(SPLIT, 6, 1)
DEFINE(SPLIT, 4, 2)
DEFINE(SPLIT, 4, 1)
DEFINE(SPLIT, 2, 2)
DEFINE(SPLIT, 2, 1)
DEFINE(SPLIT, 1, 4)
DEFINE(SPLIT, 1, 1)

/* A tile's shape, and the function for as many chunks and that for one. */
typedef struct {
    uint32_t count;
    uint32_t chunks;
    tile_function *whole;
    tile_function *single;
} tile_shape;

/* By form, from many sequences to one. */
static const tile_shape SHAPES[][5] = {
    [FX_WORDS] = {{6, 4, WORDS_6_4, WORDS_6_1},
                  {4, 4, WORDS_4_4, WORDS_4_1},
                  {2, 4, WORDS_2_4, WORDS_2_1},
                  {1, 4, WORDS_1_4, WORDS_1_1}},
    [FX_BYTES] = {{6, 2, BYTES_6_2, BYTES_6_1},
                  {4, 2, BYTES_4_2, BYTES_4_1},
                  {2, 4, BYTES_2_4, BYTES_2_1},
                  {1, 8, BYTES_1_8, BYTES_1_1},
                  {1, 4, BYTES_1_4, BYTES_1_1}},
    [FX_TOP] = {{6, 4, TOP_6_4, TOP_6_1}, {4, 4, TOP_4_4, TOP_4_1}, {2, 4, TOP_2_4, TOP_2_1}, {1, 4, TOP_1_4, TOP_1_1}},
    [FX_SPLIT] = {{6, 1, SPLIT_6_1, SPLIT_6_1},
                  {4, 2, SPLIT_4_2, SPLIT_4_1},
                  {2, 2, SPLIT_2_2, SPLIT_2_1},
                  {1, 4, SPLIT_1_4, SPLIT_1_1}},
};

#endif
