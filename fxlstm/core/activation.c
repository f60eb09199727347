/* Activations, correctly rounded: each is tanh at another scale, tanh is piecewise polynomial in integers.
 *
 * No value lies exactly between two codes (exp of a rational other than 0 is irrational) and the table's error is
 * smaller than the smallest distance to such a middle, which a test proves for every code. Near 0 tanh(u) = u - u^3/3
 * lies just below u, which may be a middle; therefore magnitudes are rounded with halves down.
 */
#include "activation.h"
#include "arithmetic.h"
#include "fxlstm.h"

/* acc * t + coefficient, t = d / 2^FX_PIECE_BITS. */
static int32_t horner(int32_t acc, int32_t d, int32_t coefficient) {
    return (int32_t)fx_round((int64_t)acc * d, FX_PIECE_BITS) + coefficient;
}

/* tanh(argument * 2^-FX_ARGUMENT_BITS) with FX_CENTRE_BITS fraction bits. */
static int64_t tanh_of(uint32_t argument) {
    const uint32_t limit = FX_TANH_LIMIT << FX_ARGUMENT_BITS;
    uint32_t u = argument < limit ? argument : limit;
    uint32_t index = (u + (1u << (FX_PIECE_BITS - 1))) >> FX_PIECE_BITS;
    const fx_tanh_piece *piece = fx_tanh_pieces + index;
    int32_t d = (int32_t)(u - (index << FX_PIECE_BITS));
    int32_t acc = horner(piece->quartic, d, piece->cubic);
    acc = horner(acc, d, piece->quadratic);
    acc = horner(acc, d, piece->slope);
    return piece->centre + (int64_t)acc * d;
}

static int64_t round_half_down(int64_t value, uint32_t shift) {
    return (value + ((int64_t)1 << (shift - 1)) - 1) >> shift;
}

int16_t fx_activation(uint8_t function, uint8_t fraction, int16_t code) {
    /* tanh x; sigmoid x = (1 + tanh(x/2)) / 2; h x = tanh(x/2); g x = 2 tanh(x/2) with one fraction bit less than h. */
    uint32_t argument_fraction = fraction + (function == FX_FUNCTION_TANH ? 0u : 1u);
    uint32_t magnitude = (uint32_t)(code < 0 ? -code : code);
    int64_t tanh = tanh_of(magnitude << (FX_ARGUMENT_BITS - argument_fraction));
    bool is_sigmoid = function == FX_FUNCTION_SIGMOID;
    int64_t size = round_half_down(tanh, FX_CENTRE_BITS - (is_sigmoid ? 14 : 15));
    int64_t middle = is_sigmoid ? 1 << 14 : 0;
    return (int16_t)fx_clamp(code < 0 ? middle - size : middle + size, INT16_MIN, INT16_MAX);
}
