/* Executes requests: one small handler per message of the protocol.
 * SPDX-License-Identifier: BSD-3-Clause
 */
#ifndef COMMANDS_H
#define COMMANDS_H

#include "app/link.h"

typedef struct firmware firmware;

/* Execute one request. On FX_OK `reply` holds the answer's payload, else the error's detail. */
fx_status commands_execute(firmware *board, const link_request *request, link_reply *reply);

#endif
