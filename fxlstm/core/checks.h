/* The checks of the loader, a file each for matrices, operations and sweeps, and what they share. Internal to the core. */
#ifndef FX_CHECKS_H
#define FX_CHECKS_H

#include "fxlstm.h"

/* Sections of an image by kind; one that does not stand is empty. */
typedef struct {
    struct {
        const void *data;
        uint32_t count; /* elements */
    } of[FX_SECTION_METADATA + 1];
} fx_sections;

/* Whether start..start + length lies inside 0..end. */
static inline bool fx_inside(uint32_t start, uint64_t length, uint32_t end) {
    return start <= end && length <= end - start;
}

/* Whether two slices have no code in common. */
static inline bool fx_apart(uint32_t a, uint64_t a_length, uint32_t b, uint64_t b_length) {
    return a >= b ? a - b >= b_length : b - a >= a_length;
}

fx_status fx_check_matrices(const fx_program *program, const fx_sections *found);
fx_status fx_check_operations(const fx_program *program);
fx_status fx_check_sweeps(const fx_program *program);

#endif
