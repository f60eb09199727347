/* One small handler per message of the protocol.
 * SPDX-License-Identifier: BSD-3-Clause
 */
#ifndef COMMANDS_H
#define COMMANDS_H

#include "app/link.h"

/* Execute one request. On FX_OK `reply` holds the answer's payload, else the error's detail. */
fx_status commands_execute(firmware *board, uint8_t message, const uint8_t *payload, size_t size, link_reply *reply);

/* Whether a message needs neither session nor order. */
bool commands_is_sessionless(uint8_t message);

#endif
