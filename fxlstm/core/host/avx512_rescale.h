/* Results of exact sums in 64-bit lanes, and what stands around an array's tiles. Part of the sets avx512 and amx. */
#ifndef FX_AVX512_RESCALE_H
#define FX_AVX512_RESCALE_H

#include "avx512_lanes.h"

/* Results of a chunk from sums, `stride` apart for the sequences. */
typedef struct {
    lanes mantissa, bias, shift;
    uint32_t columns;
    int16_t *result;
    uint32_t clipped;
} rescaling;

INLINE rescaling rescaling_of(const fx_planned_product *product, uint32_t chunk) {
    const fx_lane_scales *scales = product->matrix->scales + chunk;
    return (rescaling){.mantissa = load(scales->mantissa),
                       .bias = load(scales->bias),
                       .shift = load(scales->shift),
                       .columns = product->matrix->columns - chunk * FX_LANES,
                       .result = product->results + chunk * FX_LANES};
}

INLINE void rescale(rescaling *to, lanes sum, bool wide) {
    lanes exact = shifted(plus(product_of(sum, to->mantissa, wide), to->bias), to->shift);
    to->clipped += not_codes(exact);
    put_codes(to->result, to->columns, exact);
}

/* An ADC's codes of a chunk's sums, in the unit of the columns' sums. */
INLINE lanes converted(lanes sum, bool wide, const fx_lane_stage *adc, int64_t highest, uint32_t *clipped) {
    lanes exact = shifted(plus(product_of(sum, load(adc->gain), wide), load(adc->half)), load(adc->shift));
    lanes code = saturated(exact, highest, clipped), left = load(adc->left);
    return (lanes){_mm512_sllv_epi64(code.even, left.even), _mm512_sllv_epi64(code.odd, left.odd)};
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
    for (uint32_t c = 0; c < product->matrix->chunks; c++) {
        rescaling to = rescaling_of(product, c);
        const int64_t *columns = sums + c * FX_LANES;
        for (uint32_t s = 0; s < product->count; s++, to.result += product->result_stride) {
            rescale(&to, load_some(columns + s * product->matrix->columns, to.columns), true);
        }
        product->clipped->result += to.clipped;
    }
}

/* What runs around an array, in a set's PLANNING. */
#define FX_AVX512_AROUND_AN_ARRAY .drive_rows = drive_rows, .add_codes = add_codes, .rescale = rescale_sums

#endif
