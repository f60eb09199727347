/* Packing one matrix for a plan. Internal to the core. */
#ifndef FX_PACK_H
#define FX_PACK_H

#include "plan.h"

/* Memory taken piece by piece, each on FX_PLAN_ALIGNMENT bytes; from NULL it only counts. */
typedef struct {
    uint8_t *start;
    uint64_t used; /* bytes */
} fx_pieces;

#define FX_PLAN_ALIGNMENT 64u

void *fx_take(fx_pieces *pieces, uint64_t size);

/* Choose a matrix's form, stages and segments, take its memory and, where that is real, fill it. `leading`: rows at its
 * start that are to be a segment of their own; 0: none. */
void fx_pack(fx_packed *packed, const fx_program *program, const fx_matrix *matrix, const struct fx_planning *planning,
             uint32_t leading, fx_pieces *pieces);

/* The matrix that chunks first..end of a packed one are. */
fx_packed fx_packed_chunks(const fx_packed *packed, uint32_t first, uint32_t end);

/* Multiplications of so many groups of rows with one sequence. */
uint64_t fx_multiplications(const fx_packed *packed, uint32_t groups);

#endif
