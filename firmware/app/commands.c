/* The message table: lengths checked, one handler each.
 * SPDX-License-Identifier: BSD-3-Clause
 */
#include "app/commands.h"

#include "app/handlers.h"

typedef struct {
    fx_status (*handle)(firmware *board, const uint8_t *payload, size_t size, link_reply *reply);
    uint16_t size;         /* of the request without its tail */
    uint16_t tail_element; /* bytes, 0: no tail */
} command;

#define COMMAND(NAME, name, code, size, tail, element, sessionless)                                                    \
    [code] = {handle_##name, size, (tail) ? (element) : 0},
static const command COMMANDS[] = {FW_MESSAGES(COMMAND)};

static const command *find_command(uint8_t message) {
    if (message >= sizeof COMMANDS / sizeof COMMANDS[0] || COMMANDS[message].handle == NULL) {
        return NULL;
    }
    return &COMMANDS[message];
}

fx_status out_of_range(link_reply *reply, unsigned value) {
    reply->detail = (int32_t)value;
    return FX_ERROR_RANGE;
}

fx_status commands_execute(firmware *board, const link_request *request, link_reply *reply) {
    const command *found = find_command(request->header.message);
    reply->detail = request->header.message;
    if (found == NULL) {
        return FX_ERROR_UNKNOWN_MESSAGE;
    }
    size_t tail = request->size - found->size;
    reply->detail = (int32_t)request->size;
    if (request->size < found->size || (found->tail_element == 0 ? tail != 0 : tail % found->tail_element != 0)) {
        return FX_ERROR_FRAME_LENGTH;
    }
    reply->detail = 0;
    return found->handle(board, request->payload, request->size, reply);
}
