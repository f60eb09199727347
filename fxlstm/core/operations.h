/* One function per kind of operation; each runs over all sequences of the batch. Internal to the core. */
#ifndef FX_OPERATIONS_H
#define FX_OPERATIONS_H

#include "fxlstm.h"

/* What a plan does in the place of the functions below. */
struct fx_runner {
    /* Run operations first..end on all sequences. */
    fx_status (*run)(fx_executor *executor, uint32_t first, uint32_t end);
    /* Multiply what can be of the inputs of the next timesteps of the one sequence, and set executor->ahead. */
    void (*look_ahead)(fx_executor *executor, const int16_t *inputs, size_t timesteps);
};

/* Run one checked operation; only an array can fail. */
fx_status fx_operation_run(fx_executor *executor, const fx_operation *operation, fx_clipped *clipped);

/* One element-wise operation on one sequence's arena; returns how many results were clipped. */
uint32_t fx_operation_elementwise(const fx_kernels *kernels, const fx_operation *operation, int16_t *arena);

/* The multiply operation: DAC, tiles, ADC, rescale (multiply.c). */
fx_status fx_operation_multiply(fx_executor *executor, const fx_operation *operation, fx_clipped *clipped);

#endif
