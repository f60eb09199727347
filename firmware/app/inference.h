/* The program on the device and the sequence that it is in: the executor, with the array behind its multiply when asked.
 * SPDX-License-Identifier: BSD-3-Clause
 */
#ifndef INFERENCE_H
#define INFERENCE_H

#include "fxlstm.h"
#include "gen/protocol.h"

typedef struct firmware firmware;

enum { INFERENCE_WORKING_CAPACITY = 24 * 1024 };

typedef struct {
    fx_program program;
    fx_executor executor;
    fx_array array;
    bool open;     /* `program` is a checked image */
    bool started;  /* the executor holds the state of a sequence */
    bool on_array; /* of the sequence in progress */
    /* Of a phase that needs its whole sequence: */
    bool whole;      /* all its timesteps have arrived */
    size_t kept;     /* timesteps that have */
    size_t swept;    /* timesteps that the sweeps before the last have run, together */
    size_t finished; /* timesteps that the last sweep has run */
    _Alignas(8) uint8_t working[INFERENCE_WORKING_CAPACITY];
} inference_state;

/* Check an image and take it into use; it must stay where it is. */
fx_status inference_open(inference_state *inference, const void *image, size_t size);
void inference_close(inference_state *inference);

/* Begin a sequence: the arena as at reset, phase 0. */
fx_status inference_start(firmware *board, bool on_array);

/* Go on with the first timestep of a phase. */
fx_status inference_select(inference_state *inference, uint32_t phase);

/* Write or read little-endian codes of the arena from `start` on, all or none; FX_ERROR_ARGUMENT beyond it or before a
 * sequence has begun. */
fx_status inference_put_state(inference_state *inference, uint32_t start, const uint8_t *codes, size_t count);
fx_status inference_get_state(const inference_state *inference, uint32_t start, uint8_t *codes, size_t count);

#endif
