/* The table behind fx_activation: tanh(u) on 0 <= u <= FX_TANH_LIMIT in pieces. Internal to the core.
 *
 * Piece k is centred on u = k / 32. At u = (k + d / 2048) / 32, |d| <= 1024, with t = d / 2048:
 *     tanh(u) = centre + t (slope + t (quadratic + t (cubic + t quartic)))
 */
#ifndef FX_ACTIVATION_H
#define FX_ACTIVATION_H

#include <stdint.h>

#define FX_ARGUMENT_BITS 16u /* fraction bits of u: every code of every input format is a whole number of 2^-16 */
#define FX_PIECE_BITS 11u    /* fraction bits of t: a piece is 2^11 arguments wide */
#define FX_SLOPE_BITS 35u    /* fraction bits of slope, quadratic, cubic and quartic */
#define FX_CENTRE_BITS (FX_SLOPE_BITS + FX_PIECE_BITS)
#define FX_TANH_LIMIT 6u /* beyond, all results are those at the limit */
#define FX_PIECES (((FX_TANH_LIMIT << FX_ARGUMENT_BITS) >> FX_PIECE_BITS) + 1u)

typedef struct {
    int64_t centre;
    int32_t slope;
    int32_t quadratic;
    int32_t cubic;
    int32_t quartic;
} fx_tanh_piece;

extern const fx_tanh_piece fx_tanh_pieces[FX_PIECES];

#endif
