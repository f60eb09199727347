/* The handlers of all messages, by the protocol's table, and what several of them share.
 * SPDX-License-Identifier: BSD-3-Clause
 */
#ifndef HANDLERS_H
#define HANDLERS_H

#include "app/commands.h"

/* handle_<message>: `payload` has the length that the table asks for, its tail included. */
#define HANDLER(NAME, name, code, size, tail, element, sessionless)                                                    \
    fx_status handle_##name(firmware *board, const uint8_t *payload, size_t length, link_reply *reply);
FW_MESSAGES(HANDLER)
#undef HANDLER

/* FX_ERROR_RANGE, with what is out of range. */
fx_status out_of_range(link_reply *reply, unsigned value);

/* The array is wanted: FX_ERROR_BUSY while a campaign has it. */
fx_status take_array(firmware *board);

/* Add codes to an answer. */
void put_codes(link_reply *reply, const int16_t *codes, size_t count);

/* Bring the array to rest after `status`, keeping the first failure and its chip. */
fx_status leave_array(firmware *board, fx_status status, link_reply *reply);

#endif
