/* Activations, correctly rounded: each is tanh at another scale, tanh is piecewise polynomial in integers.
 *
 * No value lies exactly between two codes (exp of a rational other than 0 is irrational) and the table's error is
 * smaller than the smallest distance to such a middle, which a test proves for every code.
 */
#include "activation.h"
#include "arithmetic.h"
#include "fxlstm.h"

/* acc * t + coefficient; `distance` is t, of 31 fraction bits. */
static int32_t horner(int32_t acc, int32_t distance, int32_t coefficient) {
    return (int32_t)((int64_t)acc * distance >> 32) + coefficient;
}

/* tanh(argument * 2^-FX_ARGUMENT_BITS) with FX_TANH_BITS fraction bits. */
static int32_t tanh_of(int32_t argument) {
    const fx_tanh_piece *piece = fx_tanh_pieces + FX_PIECES / 2 + (argument >> FX_PIECE_BITS);
    int32_t distance = (int32_t)((uint32_t)argument << FX_DISTANCE_SHIFT);
    int32_t acc = horner(piece->cubic, distance, piece->quadratic);
    acc = horner(acc, distance, piece->slope);
    return horner(acc, distance, piece->value);
}

int16_t fx_activation(uint8_t function, uint8_t fraction, int16_t code) {
    /* tanh x; sigmoid x = (1 + tanh(x/2)) / 2; h x = tanh(x/2); g x = 2 tanh(x/2) with one fraction bit less than h. */
    uint32_t argument_fraction = fraction + (function == FX_FUNCTION_TANH ? 0u : 1u);
    const int64_t limit = (int64_t)FX_ARGUMENT_LIMIT << FX_ARGUMENT_BITS;
    int64_t argument = fx_clamp(fx_left(code, FX_ARGUMENT_BITS - argument_fraction), -limit, limit - 1);
    int32_t tanh = tanh_of((int32_t)argument);
    if (function == FX_FUNCTION_SIGMOID) {
        return (int16_t)fx_clamp((1 << 14) + fx_round(tanh, FX_TANH_BITS - 14), 0, INT16_MAX);
    }
    return (int16_t)fx_round(tanh, FX_TANH_BITS - 15);
}
