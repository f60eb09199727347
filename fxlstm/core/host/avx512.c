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
#include "look_up_eight.h"

#include "avx512_product.h"

static const struct fx_planning PLANNING = {
    .bytes = true,
    .drive = drive,
    .multiply = multiply,
    .looked_up = LOOKED_UP,
    .multiply_ahead = multiply_ahead,
    .look_up = look_up,
    FX_AVX512_AROUND_AN_ARRAY,
    FX_AVX512_ELEMENTWISE,
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
