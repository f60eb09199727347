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

/* Bring the array to rest after `status`, keeping the first failure and its chip. */
fx_status leave_array(firmware *board, fx_status status, link_reply *reply);

#endif
