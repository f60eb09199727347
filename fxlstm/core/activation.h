/* The table behind fx_activation: tanh(u) on -8 <= u < 8 in pieces. Internal to the core.
 *
 * Piece k, the first of which is -FX_PIECES / 2, holds k <= 32 u < k + 1. With t = 32 u - k where k is even, 32 u - (k + 1)
 * where it is odd, the distance from an even multiple of 1 / 32,
 *     tanh(u) = value + t (slope + t (quadratic + t cubic))
 */
#ifndef FX_ACTIVATION_H
#define FX_ACTIVATION_H

#include <stdint.h>

#define FX_ARGUMENT_BITS 16u  /* fraction bits of u: every code of every input format is a whole number of 2^-16 */
#define FX_PIECE_BITS 11u     /* a piece is 2^11 arguments wide */
#define FX_ARGUMENT_LIMIT 8   /* of u; from there on all results are those at the limit */
#define FX_DISTANCE_SHIFT 20u /* an argument shifted left by it is t with 31 fraction bits */
#define FX_TANH_BITS 31u      /* fraction bits of value; slope, quadratic, cubic have 1, 2, 3 more */
#define FX_PIECES 512u

typedef struct {
    int32_t value;
    int32_t slope;
    int32_t quadratic;
    int32_t cubic;
} fx_tanh_piece;

extern const fx_tanh_piece fx_tanh_pieces[FX_PIECES];

#endif
