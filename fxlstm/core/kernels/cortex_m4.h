/* The products of the set for Cortex-M4. Internal to the core. */
#ifndef FX_CORTEX_M4_H
#define FX_CORTEX_M4_H

#include "kernels.h"

void fx_cortex_m4_multiply_16(const fx_product *product);
void fx_cortex_m4_multiply_8(const fx_product *product);

#endif
