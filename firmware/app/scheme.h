/* How cells are to be programmed: the host's numbers, checked against the limits before they are taken.
 * SPDX-License-Identifier: BSD-3-Clause
 */
#ifndef SCHEME_H
#define SCHEME_H

#include "gen/protocol.h"
#include "status.h"

#include <stddef.h>

typedef struct {
    fw_incremental_scheme ends;
    fw_ladder up;   /* SET */
    fw_ladder down; /* RESET */
} scheme_ladders;

typedef struct {
    fw_campaign_scheme_request common;
    union {
        fw_gate_scheme gate;    /* kind FW_SCHEME_GATE */
        scheme_ladders ladders; /* kind FW_SCHEME_INCREMENTAL */
    };
} programming_scheme;

/* Read a scheme of `size` bytes and check it. On failure `*detail` holds the length, or what exceeds a limit. */
fx_status scheme_unpack(programming_scheme *taken, const uint8_t *payload, size_t size, int32_t *detail);

/* Rung of the strongest pulse of a ladder; the weakest is 0. */
unsigned ladder_top(const fw_ladder *ladder);

/* Millivolts of the pulse on a rung. */
int ladder_millivolts(const fw_ladder *ladder, unsigned rung);

#endif
