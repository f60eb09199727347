/* Kernels for x86-64 with AMX: products of bytes, up to 16 sequences by 16 columns by 64 rows in one instruction, exact as those of
 * the AVX-512 set, which takes fewer sequences. Tiles are configured and released around each product, so that a thread keeps
 * none and each has its own.
 */
#include "../kernels/kernels.h"
#include "plan.h"

#if FX_AMX
#include "amx_support.h"

static bool usable(void) {
    return fx_kernels_avx512.usable() && tiles_are_granted();
}

#include <immintrin.h>
#ifdef __clang__
#pragma clang attribute push(                                                                                          \
    __attribute__((target("avx512f,avx512bw,avx512vl,avx512dq,bmi,bmi2,popcnt,amx-tile,amx-int8"))),                   \
    apply_to = function)
#else
#pragma GCC target("avx512f,avx512bw,avx512vl,avx512dq,bmi,bmi2,popcnt,amx-tile,amx-int8")
#endif

#include "amx_tiles.h"
#include "x86_lanes.h"
#include "converters.h"
#include "elementwise.h"

#define FEWEST 8u /* sequences worth a tile; an assumption: AVX-512 does two rows of a tile in the time of all */
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

static const struct fx_planning *with_avx512(void) {
    return fx_kernels_avx512.planning;
}

/* ---- what drives the rows: as for AVX-512, then again with the bytes of FX_TILE groups side by side */

static const uint32_t *in_blocks(const fx_packed *matrix, const uint32_t *words) {
    return words + fx_operand_words(matrix);
}

static void put_in_blocks(const fx_packed *matrix, const fx_segment *segment, uint32_t *words) {
    const __m512i even = _mm512_setr_epi32(0, 2, 4, 6, 8, 10, 12, 14, 16, 18, 20, 22, 24, 26, 28, 30);
    const __m512i odd = _mm512_add_epi32(even, _mm512_set1_epi32(1));
    const uint32_t *from = words + segment->first_group * FX_WORDS_PER_GROUP;
    uint32_t *to = words + fx_operand_words(matrix) + segment->first_group * FX_WORDS_PER_GROUP;
    for (uint32_t i = 0; i < segment->groups * FX_WORDS_PER_GROUP; i += BLOCK_WORDS) {
        __m512i first = _mm512_loadu_si512(from + i), second = _mm512_loadu_si512(from + i + FX_TILE);
        _mm512_storeu_si512(to + i, _mm512_permutex2var_epi32(first, even, second));
        _mm512_storeu_si512(to + i + FX_TILE, _mm512_permutex2var_epi32(first, odd, second));
    }
}

static void drive(const fx_packed *matrix, const fx_segment *segment, uint32_t dac_bits, const fx_driving *driving) {
    with_avx512()->drive(matrix, segment, dac_bits, driving);
    for (uint32_t i = 0; i < driving->count; i++) {
        put_in_blocks(matrix, segment, driving->words + i * driving->word_stride);
    }
}

/* ---- exact sums */

/* One stage of one chunk of 16-bit weights or of two chunks of 8-bit ones. */
typedef struct {
    const fx_planned_product *product;
    uint32_t count; /* sequences */
    uint32_t chunk; /* the first */
    uint32_t chunks;
    const fx_stage *stage;
    const fx_lane_stage *lanes; /* of the first chunk */
    _Alignas(TILE_BYTES) int32_t sums[4][FX_TILE][FX_LANES];
} block;

INLINE bool is_split(const block *own) {
    return own->product->matrix->form == FX_SPLIT;
}

static void configure(uint32_t count) {
    tile_configuration configuration = {.palette = 1};
    for (uint32_t i = 0; i < TILES; i++) {
        configuration.row_bytes[i] = TILE_BYTES;
        configuration.rows[i] = (uint8_t)(i < FIRST_WEIGHTS ? count : TILE_ROWS);
    }
    tile_configure(&configuration);
}

/* All sequences begin alike: each row of a tile is the same one in memory. */
static void begin(const block *own) {
    const uint32_t to_next_chunk = own->chunks == 2 ? own->product->matrix->stage_count : 0;
    tile_zero(FIRST_LOW);
    tile_zero(SECOND_LOW);
    tile_load(FIRST_HIGH, own->lanes->start[0], 0);
    tile_load(SECOND_HIGH, is_split(own) ? own->lanes->start[1] : own->lanes[to_next_chunk].start[0], 0);
}

static void store(block *own) {
    tile_store(FIRST_LOW, own->sums[FIRST_LOW], TILE_BYTES);
    tile_store(FIRST_HIGH, own->sums[FIRST_HIGH], TILE_BYTES);
    tile_store(SECOND_LOW, own->sums[SECOND_LOW], TILE_BYTES);
    tile_store(SECOND_HIGH, own->sums[SECOND_HIGH], TILE_BYTES);
}

/* The sums of all groups of the stage. Where there is no second chunk the first is multiplied twice. */
static void sum_groups(block *own) {
    const fx_packed *matrix = own->product->matrix;
    const size_t stride = own->product->word_stride * sizeof(uint32_t);
    const size_t group_bytes = TILE_BYTES * (is_split(own) ? 2 : 1);
    const size_t to_second = is_split(own) ? TILE_BYTES : own->chunks == 2 ? matrix->chunk_bytes : 0;
    const uint32_t *codes = in_blocks(matrix, own->product->words) + own->stage->first_group * FX_WORDS_PER_GROUP;
    const int8_t *weights = matrix->weights + own->chunk * matrix->chunk_bytes + own->stage->first_group * group_bytes;
    begin(own);
    for (uint32_t i = 0; i < own->stage->groups; i += FX_TILE) {
        tile_load(LOW_CODES, codes, stride);
        tile_load(HIGH_CODES, codes + FX_TILE, stride);
        tile_load(FIRST_WEIGHTS, weights, group_bytes);
        tile_load(SECOND_WEIGHTS, weights + to_second, group_bytes);
        tile_dot(FIRST_LOW, LOW_CODES, FIRST_WEIGHTS);
        tile_dot(FIRST_HIGH, HIGH_CODES, FIRST_WEIGHTS);
        tile_dot(SECOND_LOW, LOW_CODES, SECOND_WEIGHTS);
        tile_dot(SECOND_HIGH, HIGH_CODES, SECOND_WEIGHTS);
        codes += BLOCK_WORDS;
        weights += FX_TILE * group_bytes;
    }
    store(own);
}

INLINE lanes part(const block *own, uint32_t tile, uint32_t sequence) {
    const __m256i *sums = (const __m256i *)(const void *)own->sums[tile][sequence];
    return in_columns((eight)_mm256_load_si256(sums), (eight)_mm256_load_si256(sums + 1));
}

/* The sum of a sequence's driven codes in the stage's segments. */
static int64_t sum_of_codes(const block *own, uint32_t sequence) {
    const fx_packed *matrix = own->product->matrix;
    const uint32_t *words = own->product->words + sequence * own->product->word_stride;
    const int64_t *sums = (const void *)(words + fx_code_words(matrix));
    int64_t sum = 0;
    for (uint32_t i = 0; i < matrix->segment_count; i++) {
        sum += matrix->segments[i].first_group - own->stage->first_group < own->stage->groups ? sums[i] : 0;
    }
    return sum;
}

/* The exact sums of a sequence and chunk. Planes of bytes hold weights less 128 (pack.c). */
INLINE lanes sum_at(const block *own, uint32_t sequence, uint32_t chunk) {
    if (!is_split(own)) {
        return plus(part(own, 2 * chunk, sequence), times_256(part(own, 2 * chunk + 1, sequence)));
    }
    const four codes = (four){0, 0, 0, 0} + 128 * sum_of_codes(own, sequence);
    lanes middle = plus(part(own, FIRST_HIGH, sequence), part(own, SECOND_LOW, sequence));
    lanes high = plus(middle, times_256(part(own, SECOND_HIGH, sequence)));
    return plus(plus(part(own, FIRST_LOW, sequence), times_256(high)), (lanes){{codes, codes, codes, codes}});
}

/* ---- products */

/* A stage's sums; of an ADC its codes, in the unit of the columns' sums. Sequence after sequence, chunk after chunk. */
static void sum_stage(block *own, uint32_t index, lanes *sums) {
    const fx_packed *matrix = own->product->matrix;
    own->stage = matrix->stages + index;
    own->lanes = matrix->lanes + own->chunk * matrix->stage_count + index;
    sum_groups(own);
    for (uint32_t i = 0; i < own->count * own->chunks; i++) {
        const fx_lane_stage *adc = own->lanes + i % own->chunks * matrix->stage_count;
        sums[i] = sum_at(own, i / own->chunks, i % own->chunks);
        if (matrix->adc_highest != 0) {
            sums[i] = converted(sums[i], own->stage->wide, adc, matrix->adc_highest, &own->product->clipped->adc);
        }
    }
}

static void multiply_block(block *own) {
    const fx_planned_product *product = own->product;
    const fx_packed *matrix = product->matrix;
    const bool wide = matrix->adc_highest == 0 && matrix->stages->wide;
    lanes totals[2 * FX_TILE], sums[2 * FX_TILE];
    sum_stage(own, 0, totals);
    for (uint32_t stage = 1; stage < matrix->stage_count; stage++) {
        sum_stage(own, stage, sums);
        for (uint32_t i = 0; i < own->count * own->chunks; i++) {
            totals[i] = plus(totals[i], sums[i]);
        }
    }
    for (uint32_t i = 0; i < own->count * own->chunks; i++) {
        uint32_t sequence = i / own->chunks, first = (own->chunk + i % own->chunks) * FX_LANES;
        rescale(totals[i], wide, matrix->scales + first / FX_LANES, matrix->columns - first,
                product->results + sequence * product->result_stride + first, &product->clipped->result);
    }
}

/* The first `count` sequences, at most FX_TILE. */
static void multiply_by_tiles(const fx_planned_product *product, uint32_t count) {
    const uint32_t most = product->matrix->form == FX_SPLIT ? 1 : 2, chunks = product->matrix->chunks;
    block own; /* whose sums need no value here */
    own.product = product, own.count = count;
    configure(count);
    for (own.chunk = 0; own.chunk < chunks; own.chunk += own.chunks) {
        own.chunks = chunks - own.chunk < most ? 1 : most;
        multiply_block(&own);
    }
    tile_release();
}

/* Products with sums from multiply_ahead are of one sequence. */
static void multiply(const fx_planned_product *product) {
    fx_planned_product left = *product;
    while (left.count >= FEWEST) {
        uint32_t count = left.count < FX_TILE ? left.count : FX_TILE;
        multiply_by_tiles(&left, count);
        left = fx_product_after(&left, count);
    }
    if (left.count > 0) {
        with_avx512()->multiply(&left);
    }
}

static void multiply_ahead(const fx_planned_product *product, int64_t *sums, size_t sum_stride) {
    with_avx512()->multiply_ahead(product, sums, sum_stride);
}

static const struct fx_planning PLANNING = {
    .tiles = true,
    .bytes = true,
    .drive = drive,
    .multiply = multiply,
    .multiply_ahead = multiply_ahead,
    .look_up = look_up,
    FX_AROUND_AN_ARRAY,
    FX_ELEMENTWISE,
};

const fx_kernels fx_kernels_amx = {
    .name = "amx",
    .needs = "AMX-INT8 and AVX-512 VNNI, and a system that grants a process its tiles",
    .usable = usable,
    .planning = &PLANNING,
    FX_PORTABLE_LOOPS,
};
#ifdef __clang__
#pragma clang attribute pop
#endif
#else
extern int fx_no_amx; /* an empty file is not C */
#endif
