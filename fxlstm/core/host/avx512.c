/* Kernels for x86-64 with AVX-512 VNNI: products of bytes and words, 16 columns at a time; everything else 16 or 32 codes. */
#include "plan.h"

#if defined(__x86_64__) && defined(__GNUC__)
#pragma GCC target("avx512f,avx512bw,avx512vl,avx512dq,avx512vnni,bmi,bmi2,popcnt")
#include <immintrin.h>

#include "../kernels/kernels.h"
#include "avx512_elementwise.h"

#define INLINE static inline __attribute__((always_inline))
#define UNROLL _Pragma("GCC unroll 24")
#define MOST_SUMS 24u /* 32-bit accumulators of a tile: eight registers are left for weights and codes */
#define GROUP_BYTES 64u

/* 64-bit lanes of a chunk's columns: 0..7 and 8..15. Of narrow sums the low 32 bits count. */
typedef struct {
    __m512i even;
    __m512i odd;
} lanes;

/* ---- exact sums */

/* Accumulators of one sequence and chunk. */
INLINE uint32_t parts_of(fx_form form) {
    return form == FX_WORDS ? 2 : form == FX_BYTES ? 2 : 3;
}

/* Add one group's products to a chunk's accumulators. */
INLINE void add_group(fx_form form, __m512i *acc, __m512i first, __m512i second, __m512i low, __m512i high) {
    switch (form) {
    case FX_WORDS:
        acc[0] = _mm512_dpwssd_epi32(acc[0], first, low);
        acc[1] = _mm512_dpwssd_epi32(acc[1], second, high);
        break;
    case FX_BYTES:
        acc[0] = _mm512_dpbusd_epi32(acc[0], low, first);
        acc[1] = _mm512_dpbusd_epi32(acc[1], high, first);
        break;
    case FX_SPLIT:
        acc[0] = _mm512_dpbusd_epi32(acc[0], low, first);
        acc[1] = _mm512_dpbusd_epi32(acc[1], low, second);
        acc[1] = _mm512_dpbusd_epi32(acc[1], high, first);
        acc[2] = _mm512_dpbusd_epi32(acc[2], high, second);
        break;
    }
}

/* Accumulators of `count` sequences and `chunks` chunks over groups first..end. */
INLINE void accumulate(const fx_planned_product *product, fx_form form, uint32_t count, uint32_t chunks, uint32_t chunk,
                       uint32_t first, uint32_t end, __m512i *acc) {
    const uint32_t parts = parts_of(form), bytes = form == FX_BYTES ? GROUP_BYTES : 2 * GROUP_BYTES;
    const size_t chunk_bytes = product->matrix->chunk_bytes;
    const int8_t *weights = product->matrix->weights + chunk * chunk_bytes + (size_t)first * bytes;
    const uint32_t *words = product->words + (size_t)first * FX_WORDS_PER_GROUP;
    UNROLL for (uint32_t i = 0; i < count * chunks * parts; i++) {
        acc[i] = _mm512_setzero_si512();
    }
    for (uint32_t group = first; group < end; group++, weights += bytes, words += FX_WORDS_PER_GROUP) {
        UNROLL for (uint32_t c = 0; c < chunks; c++) {
            const __m512i *from = (const void *)(weights + c * chunk_bytes);
            __m512i one = _mm512_load_si512(from), two = form == FX_BYTES ? one : _mm512_load_si512(from + 1);
            UNROLL for (uint32_t s = 0; s < count; s++) {
                const uint32_t *own = words + s * product->word_stride;
                __m512i low = _mm512_set1_epi32((int32_t)own[0]), high = _mm512_set1_epi32((int32_t)own[1]);
                add_group(form, acc + (s * chunks + c) * parts, one, two, low, high);
            }
        }
    }
}

INLINE lanes widened(__m512i acc) {
    return (lanes){_mm512_srai_epi64(_mm512_slli_epi64(acc, 32), 32), _mm512_srai_epi64(acc, 32)};
}

INLINE lanes narrow(__m512i acc) {
    return (lanes){acc, _mm512_srli_epi64(acc, 32)};
}

INLINE lanes plus(lanes a, lanes b) {
    return (lanes){_mm512_add_epi64(a.even, b.even), _mm512_add_epi64(a.odd, b.odd)};
}

INLINE lanes times_256(lanes a) {
    return (lanes){_mm512_slli_epi64(a.even, 8), _mm512_slli_epi64(a.odd, 8)};
}

INLINE lanes load(const int64_t *columns) {
    return (lanes){_mm512_loadu_si512(columns), _mm512_loadu_si512(columns + FX_LANES / 2)};
}

/* The sums that accumulators stand for; what the plan's offset makes up for is missing. `codes`: the sum of driven codes. */
INLINE lanes sums_of(fx_form form, bool wide, const __m512i *acc, int64_t codes) {
    if (form == FX_WORDS) {
        return narrow(_mm512_add_epi32(acc[0], acc[1]));
    }
    if (form == FX_BYTES) {
        return wide ? plus(widened(acc[0]), times_256(widened(acc[1])))
                    : narrow(_mm512_add_epi32(acc[0], _mm512_slli_epi32(acc[1], 8)));
    }
    __m512i all = _mm512_set1_epi64(128 * codes);
    lanes high = plus(widened(acc[1]), times_256(widened(acc[2])));
    return plus(plus(widened(acc[0]), times_256(high)), (lanes){all, all});
}

/* ---- ADC and rescale */

INLINE lanes product_of(lanes sums, lanes factor, bool wide) {
    return wide ? (lanes){_mm512_mullo_epi64(sums.even, factor.even), _mm512_mullo_epi64(sums.odd, factor.odd)}
                : (lanes){_mm512_mul_epi32(sums.even, factor.even), _mm512_mul_epi32(sums.odd, factor.odd)};
}

INLINE lanes shifted(lanes a, const int64_t *shift) {
    lanes by = load(shift);
    return (lanes){_mm512_srav_epi64(a.even, by.even), _mm512_srav_epi64(a.odd, by.odd)};
}

INLINE __m512i limited(__m512i a, int64_t lowest, int64_t highest) {
    return _mm512_min_epi64(_mm512_max_epi64(a, _mm512_set1_epi64(lowest)), _mm512_set1_epi64(highest));
}

/* Limit all lanes and count those that it changed. */
INLINE lanes saturated(lanes a, int64_t highest, uint32_t *clipped) {
    lanes limit = {limited(a.even, -highest - 1, highest), limited(a.odd, -highest - 1, highest)};
    uint32_t changed = (uint32_t)_mm512_cmpneq_epi64_mask(a.even, limit.even) |
                       (uint32_t)_mm512_cmpneq_epi64_mask(a.odd, limit.odd) << 8;
    if (__builtin_expect(changed != 0, 0)) {
        *clipped += (uint32_t)__builtin_popcount(changed);
    }
    return limit;
}

/* The ADC codes of one stage's sums, in the unit of the column's sum. */
INLINE lanes convert(lanes sums, const fx_lane_stage *stage, bool wide, int64_t highest, uint32_t *clipped) {
    lanes exact = shifted(plus(product_of(sums, load(stage->gain), wide), load(stage->half)), stage->shift);
    lanes code = saturated(exact, highest, clipped), left = load(stage->left);
    return (lanes){_mm512_sllv_epi64(code.even, left.even), _mm512_sllv_epi64(code.odd, left.odd)};
}

INLINE void rescale(const fx_planned_product *product, uint32_t sequence, uint32_t chunk, lanes sums, bool wide) {
    const fx_lane_scales *scales = product->matrix->scales + chunk;
    lanes exact = plus(product_of(sums, load(scales->mantissa), wide), load(scales->bias));
    lanes code = saturated(shifted(exact, scales->shift), INT16_MAX, &product->clipped->result);
    __m256i codes = _mm256_set_m128i(_mm512_cvtepi64_epi16(code.odd), _mm512_cvtepi64_epi16(code.even));
    uint32_t rest = product->matrix->columns - chunk * FX_LANES;
    int16_t *result = product->results + sequence * product->result_stride + chunk * FX_LANES;
    _mm256_mask_storeu_epi16(result, rest >= FX_LANES ? (__mmask16)0xFFFF : (__mmask16)((1u << rest) - 1), codes);
}

/* ---- tiles: sums that fill the registers */

/* The sum of a sequence's driven codes in segments that begin at group `first` or later, before group `end`. */
INLINE int64_t sum_of_codes(const fx_planned_product *product, uint32_t sequence, uint32_t first, uint32_t end) {
    const fx_packed *matrix = product->matrix;
    const uint32_t *words = product->words + sequence * product->word_stride + matrix->groups * FX_WORDS_PER_GROUP;
    int64_t sum = 0;
    for (uint32_t i = 0; i < matrix->segment_count; i++) {
        bool inside = matrix->segments[i].first_group >= first && matrix->segments[i].first_group < end;
        sum += inside ? ((const int64_t *)(const void *)words)[i] : 0;
    }
    return sum;
}

/* Exact sums of a tile in one stage. */
INLINE void stage_sums(const fx_planned_product *product, fx_form form, uint32_t count, uint32_t chunks, uint32_t chunk,
                       uint32_t index, lanes *sums) {
    const fx_packed *matrix = product->matrix;
    const fx_stage *stage = matrix->stages + index;
    const uint32_t first = index == 0 ? product->first_group : stage->first_group;
    const uint32_t end = stage->first_group + stage->groups;
    __m512i acc[MOST_SUMS];
    accumulate(product, form, count, chunks, chunk, first, end, acc);
    UNROLL for (uint32_t j = 0; j < count * chunks; j++) {
        uint32_t s = j / chunks, c = chunk + j % chunks;
        int64_t codes = form == FX_SPLIT ? sum_of_codes(product, s, first, end) : 0;
        sums[j] = sums_of(form, stage->wide, acc + j * parts_of(form), codes);
        if (form != FX_WORDS) {
            sums[j] = plus(sums[j], load(matrix->lanes[c * matrix->stage_count + index].offset));
        }
        if (index == 0 && product->ahead != NULL) {
            sums[j] = plus(sums[j], load(product->ahead + s * product->ahead_stride + c * FX_LANES));
        }
    }
}

INLINE void multiply_digital(const fx_planned_product *product, fx_form form, uint32_t count, uint32_t chunks,
                             uint32_t chunk) {
    const bool wide = form == FX_SPLIT || product->matrix->stages->wide;
    lanes sums[MOST_SUMS / 2];
    stage_sums(product, form, count, chunks, chunk, 0, sums);
    UNROLL for (uint32_t j = 0; j < count * chunks; j++) {
        rescale(product, j / chunks, chunk + j % chunks, sums[j], wide);
    }
}

INLINE void multiply_converted(const fx_planned_product *product, fx_form form, uint32_t count, uint32_t chunks,
                               uint32_t chunk) {
    const fx_packed *matrix = product->matrix;
    lanes sums[MOST_SUMS / 2], total[MOST_SUMS / 2];
    UNROLL for (uint32_t j = 0; j < count * chunks; j++) {
        total[j] = (lanes){_mm512_setzero_si512(), _mm512_setzero_si512()};
    }
    for (uint32_t i = 0; i < matrix->stage_count; i++) {
        const bool wide = form == FX_SPLIT || matrix->stages[i].wide;
        stage_sums(product, form, count, chunks, chunk, i, sums);
        UNROLL for (uint32_t j = 0; j < count * chunks; j++) {
            const fx_lane_stage *own = matrix->lanes + (chunk + j % chunks) * matrix->stage_count + i;
            total[j] = plus(total[j], convert(sums[j], own, wide, matrix->adc_highest, &product->clipped->adc));
        }
    }
    UNROLL for (uint32_t j = 0; j < count * chunks; j++) {
        rescale(product, j / chunks, chunk + j % chunks, total[j], false);
    }
}

INLINE void multiply_tile(const fx_planned_product *product, fx_form form, uint32_t count, uint32_t chunks,
                          uint32_t chunk) {
    if (product->matrix->adc_highest == 0) {
        multiply_digital(product, form, count, chunks, chunk);
    } else {
        multiply_converted(product, form, count, chunks, chunk);
    }
}

/* How many chunks a tile of so many sequences has. */
INLINE uint32_t tile_chunks(fx_form form, uint32_t count) {
    uint32_t most = MOST_SUMS / (parts_of(form) * count);
    return most >= 4 ? 4 : most >= 2 ? 2 : 1;
}

INLINE void multiply_all(const fx_planned_product *product, fx_form form, uint32_t count) {
    const uint32_t step = tile_chunks(form, count), chunks = product->matrix->chunks;
    uint32_t chunk = 0;
    for (; chunk + step <= chunks; chunk += step) {
        multiply_tile(product, form, count, step, chunk);
    }
    for (; chunk < chunks; chunk++) {
        multiply_tile(product, form, count, 1, chunk);
    }
}

INLINE void multiply_form(const fx_planned_product *product, fx_form form) {
    switch (product->count) {
    case 1:
        multiply_all(product, form, 1);
        break;
    case 2:
        multiply_all(product, form, 2);
        break;
    case 3:
        multiply_all(product, form, 3);
        break;
    case 4:
        multiply_all(product, form, 4);
        break;
    case 5:
        multiply_all(product, form, 5);
        break;
    default:
        multiply_all(product, form, 6);
        break;
    }
}

static void multiply(const fx_planned_product *product) {
    switch (product->matrix->form) {
    case FX_WORDS:
        multiply_form(product, FX_WORDS);
        break;
    case FX_BYTES:
        multiply_form(product, FX_BYTES);
        break;
    case FX_SPLIT:
        multiply_form(product, FX_SPLIT);
        break;
    }
}

INLINE void ahead_tile(const fx_planned_product *product, fx_form form, uint32_t count, uint32_t chunks, uint32_t chunk,
                       int64_t *sums, size_t sum_stride) {
    const fx_packed *matrix = product->matrix;
    __m512i acc[MOST_SUMS];
    accumulate(product, form, count, chunks, chunk, 0, matrix->ahead_groups, acc);
    UNROLL for (uint32_t j = 0; j < count * chunks; j++) {
        int64_t codes = form == FX_SPLIT ? sum_of_codes(product, j / chunks, 0, matrix->ahead_groups) : 0;
        lanes one = sums_of(form, matrix->stages[0].wide, acc + j * parts_of(form), codes);
        int64_t *to = sums + j / chunks * sum_stride + (chunk + j % chunks) * FX_LANES;
        _mm512_storeu_si512(to, one.even);
        _mm512_storeu_si512(to + FX_LANES / 2, one.odd);
    }
}

INLINE void ahead_form(const fx_planned_product *product, fx_form form, int64_t *sums, size_t sum_stride) {
    const uint32_t step = tile_chunks(form, FX_TOGETHER);
    for (uint32_t chunk = 0; chunk < product->matrix->chunks; chunk++) {
        if (product->count == FX_TOGETHER && chunk + step <= product->matrix->chunks) {
            ahead_tile(product, form, FX_TOGETHER, step, chunk, sums, sum_stride);
            chunk += step - 1;
            continue;
        }
        for (uint32_t s = 0; s < product->count; s++) {
            fx_planned_product one = *product;
            one.words += s * product->word_stride;
            ahead_tile(&one, form, 1, 1, chunk, sums + s * sum_stride, sum_stride);
        }
    }
}

static void multiply_ahead(const fx_planned_product *product, int64_t *sums, size_t sum_stride) {
    switch (product->matrix->form) {
    case FX_WORDS:
        ahead_form(product, FX_WORDS, sums, sum_stride);
        break;
    case FX_BYTES:
        ahead_form(product, FX_BYTES, sums, sum_stride);
        break;
    case FX_SPLIT:
        ahead_form(product, FX_SPLIT, sums, sum_stride);
        break;
    }
}

/* ---- what drives the rows */

/* Bytes of four codes: first the low ones, then the high ones, offset so that they count from 0. */
INLINE __m512i in_bytes(__m512i codes) {
    const __m512i order = _mm512_broadcast_i32x4(_mm_setr_epi8(0, 2, 4, 6, 1, 3, 5, 7, 8, 10, 12, 14, 9, 11, 13, 15));
    const __m512i offset = _mm512_set1_epi64((int64_t)0x8080808000000000u);
    return _mm512_xor_si512(_mm512_shuffle_epi8(codes, order), offset);
}

INLINE __mmask32 first_lanes(uint32_t count) {
    return count >= 32 ? 0xFFFFFFFFu : (1u << count) - 1;
}

static void drive(const fx_packed *matrix, const fx_segment *segment, uint32_t dac_bits, const int16_t *codes,
                  uint32_t *words) {
    const int16_t largest = (int16_t)((1 << (dac_bits - 1)) - 1);
    const __m512i half = _mm512_set1_epi16(dac_bits == 16 ? 0 : (int16_t)(1 << (15 - dac_bits)));
    const __m512i high = _mm512_set1_epi16(largest), low = _mm512_set1_epi16((int16_t)-largest);
    const __m128i shift = _mm_cvtsi32_si128((int)(16 - dac_bits));
    uint32_t filled = segment->groups * 4;
    int16_t *to = (int16_t *)(void *)(words + segment->first_group * FX_WORDS_PER_GROUP);
    __m512i sum = _mm512_setzero_si512();
    for (uint32_t i = 0; i < filled; i += 32) {
        __mmask32 given = i < segment->rows ? first_lanes(segment->rows - i) : 0;
        __m512i code = _mm512_maskz_loadu_epi16(given, codes + segment->row + i);
        code = _mm512_sra_epi16(_mm512_adds_epi16(code, half), shift);
        code = _mm512_sll_epi16(_mm512_min_epi16(_mm512_max_epi16(code, low), high), shift);
        sum = _mm512_add_epi32(sum, _mm512_madd_epi16(code, _mm512_set1_epi16(1)));
        _mm512_mask_storeu_epi16(to + i, first_lanes(filled - i), matrix->form == FX_WORDS ? code : in_bytes(code));
    }
    if (matrix->form == FX_SPLIT) {
        int64_t *sums = (int64_t *)(void *)(words + matrix->groups * FX_WORDS_PER_GROUP);
        sums[segment - matrix->segments] = (int64_t)_mm512_reduce_add_epi32(sum) + (int64_t)32768 * filled;
    }
}

static const struct fx_planning PLANNING = {
    .bytes = true,
    .drive = drive,
    .multiply = multiply,
    .multiply_ahead = multiply_ahead,
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
    .usable = usable,
    .planning = &PLANNING,
    .multiply_16 = fx_multiply_16,
    .multiply_8 = fx_multiply_8,
    .activate = fx_activate,
    .product_sum = fx_product_sum,
};
#endif
