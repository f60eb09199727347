/* Scales and converters of one packed matrix. Internal to the core. */
#ifndef FX_SCALES_H
#define FX_SCALES_H

#include "plan.h"

/* Whether a matrix of this form has high scales (fx_high_scales). `wide`: 32 bits do not hold every sum. */
bool fx_scales_are_high(const fx_packed *packed, const fx_program *program, const fx_matrix *matrix, bool wide);

/* Fill the scales of all chunks, in memory that is there; high ones too, where there is some for them. */
void fx_fill_scales(fx_packed *packed, const fx_program *program, const fx_matrix *matrix);

/* Fill, for all chunks and stages, where sums begin and what converts them. */
void fx_fill_stages(fx_packed *packed, const fx_program *program, const fx_matrix *matrix);

#endif
