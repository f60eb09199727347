/* One piece of a sequence: a run request under way, a slice of it per turn of the main loop.
 * SPDX-License-Identifier: BSD-3-Clause
 *
 * In between, the main loop feeds the watchdog, keeps the dead-man and hears the host. A slice ends with the first timestep
 * of one sweep that is over after PIECE_SLICE_MICROSECONDS, so none lasts longer than that and one timestep.
 */
#ifndef PIECE_H
#define PIECE_H

#include "app/link.h"
#include "fxlstm.h"
#include "gen/protocol.h"

typedef struct firmware firmware;

enum { PIECE_SLICE_MICROSECONDS = 10000 };

typedef struct {
    bool under_way;   /* its answer has not been sent */
    bool over;        /* nothing of it is left to run */
    fx_status status; /* why it is over */
    unsigned flags;   /* FW_RUN_* */
    size_t given;     /* timesteps with codes */
    size_t timesteps; /* those and the further ones */
    size_t done;
    link_reply reply;
    int16_t codes[FW_MAX_PAYLOAD / 2];
} piece_state;

/* Take a run request, whose codes are `size` bytes, little-endian. When it is accepted `reply->later` is set. */
fx_status piece_begin(firmware *board, const fw_run_request *request, const uint8_t *codes, size_t size,
                      link_reply *reply);

/* Run a slice, answer when it was the last. Returns whether a piece was under way. */
bool piece_poll(firmware *board);

/* End the piece under way, if any, before its time: it is answered with `status`. */
void piece_cut(firmware *board, fx_status status);

#endif
