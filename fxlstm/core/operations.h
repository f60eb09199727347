/* One function per kind of operation; each runs over all sequences of the batch. Internal to the core. */
#ifndef FX_OPERATIONS_H
#define FX_OPERATIONS_H

#include "fxlstm.h"

/* Run one checked operation; only an array can fail. */
fx_status fx_operation_run(fx_executor *executor, const fx_operation *operation, fx_clipped *clipped);

/* The multiply operation: DAC, tiles, ADC, rescale (multiply.c). */
fx_status fx_operation_multiply(fx_executor *executor, const fx_operation *operation, fx_clipped *clipped);

#endif
