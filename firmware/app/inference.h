/* The network on the device: the executor, with the array behind its multiply when asked.
 * SPDX-License-Identifier: BSD-3-Clause
 */
#ifndef INFERENCE_H
#define INFERENCE_H

#include "fxlstm.h"
#include "gen/protocol.h"

typedef struct firmware firmware;

enum { INFERENCE_WORKING_CAPACITY = 16 * 1024 };

typedef struct {
    fx_program program;
    fx_executor executor;
    fx_array array;
    bool open;     /* `program` is a checked image */
    bool started;  /* the executor holds the state of a sequence */
    bool on_array; /* of the sequence in progress */
    bool swept;    /* a program that does not stream has run all sweeps but its last */
    size_t kept;   /* timesteps of such a program's sequence that have arrived */
    size_t given;  /* and those whose outputs have been asked for */
    _Alignas(8) uint8_t working[INFERENCE_WORKING_CAPACITY];
} inference_state;

/* Check an image and take it into use; it must stay where it is. */
fx_status inference_open(inference_state *inference, const void *image, size_t size);
void inference_close(inference_state *inference);

/* Run one piece of a sequence: `codes` holds little-endian input codes, `reply` gets those of the outputs, at most
 * FW_MAX_PAYLOAD bytes; `flags` are FW_RUN_*. A program that does not stream keeps its pieces until the last one; where
 * its outputs do not fit one answer, last pieces without codes get the others. The array is at rest afterwards. */
fx_status inference_run(firmware *board, unsigned flags, const uint8_t *codes, size_t size, uint8_t *reply,
                        size_t *reply_size);

#endif
