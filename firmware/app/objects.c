/* Begin, pieces, finish.
 * SPDX-License-Identifier: BSD-3-Clause
 */
#include "app/objects.h"

#include <string.h>

#include "app/firmware.h"

typedef struct {
    object_state *state;
    uint8_t *bytes;
    uint32_t capacity;
} object_place;

static object_place place_of(objects_state *objects, uint8_t object) {
    if (object == FW_OBJECT_PROGRAM) {
        return (object_place){&objects->program, objects->program_bytes, OBJECTS_PROGRAM_CAPACITY};
    }
    if (object == FW_OBJECT_TARGET) {
        return (object_place){&objects->target, objects->target_bytes, OBJECTS_TARGET_CAPACITY};
    }
    return (object_place){NULL, NULL, 0};
}

void objects_init(firmware *board) {
    const hal_start *start = hal_how_started(board->hal);
    if (start->program_size > 0 && inference_open(&board->inference, start->program, start->program_size) == FX_OK) {
        uint32_t size = (uint32_t)start->program_size;
        board->objects.program =
            (object_state){.size = size, .crc = fx_crc32(0, start->program, size), .arrived = size, .ready = true};
    }
}

fx_status objects_begin(firmware *board, const fw_object_begin_request *request, uint32_t *offset, int32_t *detail) {
    object_place place = place_of(&board->objects, request->object);
    if (place.state == NULL) {
        return FX_ERROR_OBJECT_UNKNOWN;
    }
    bool known = request->size == place.state->size && request->crc == place.state->crc;
    *detail = (int32_t)place.capacity;
    if (!known && request->size > place.capacity) {
        return FX_ERROR_OBJECT_TOO_LARGE;
    }
    if (request->size == 0 || (request->object == FW_OBJECT_TARGET && request->size != place.capacity)) {
        return FX_ERROR_ARGUMENT;
    }
    if (!known) {
        if (request->object == FW_OBJECT_TARGET && board->campaign.state == FW_CAMPAIGN_RUNNING) {
            return FX_ERROR_BUSY;
        }
        *place.state = (object_state){.size = request->size, .crc = request->crc};
        if (request->object == FW_OBJECT_PROGRAM) {
            inference_close(&board->inference);
        }
    }
    *offset = place.state->arrived;
    return FX_OK;
}

fx_status objects_write(firmware *board, const fw_object_write_request *request, const uint8_t *data, size_t size,
                        uint32_t *offset) {
    object_place place = place_of(&board->objects, request->object);
    if (place.state == NULL) {
        return FX_ERROR_OBJECT_UNKNOWN;
    }
    object_state *state = place.state;
    if (request->offset == state->arrived && size > 0) {
        if (size > state->size - state->arrived) {
            return FX_ERROR_OBJECT_TOO_LARGE;
        }
        memcpy(place.bytes + state->arrived, data, size);
        state->arrived += (uint32_t)size;
    }
    *offset = state->arrived;
    return FX_OK;
}

fx_status objects_finish(firmware *board, uint8_t object, uint32_t *crc, int32_t *detail) {
    object_place place = place_of(&board->objects, object);
    if (place.state == NULL) {
        return FX_ERROR_OBJECT_UNKNOWN;
    }
    object_state *state = place.state;
    *crc = state->crc;
    *detail = (int32_t)state->arrived;
    if (state->ready) {
        return FX_OK;
    }
    if (state->size == 0 || state->arrived < state->size) {
        return FX_ERROR_OBJECT_INCOMPLETE;
    }
    if (fx_crc32(0, place.bytes, state->size) != state->crc) {
        state->arrived = 0;
        return FX_ERROR_OBJECT_CRC;
    }
    fx_status status = FX_OK;
    if (object == FW_OBJECT_PROGRAM) {
        status = inference_open(&board->inference, place.bytes, state->size);
    }
    state->ready = status == FX_OK;
    return status;
}

uint16_t objects_target(const objects_state *objects, unsigned row, unsigned column) {
    return fw_get_u16(objects->target_bytes + 2 * (row * FW_COLUMNS + column));
}

uint32_t objects_crc(const object_state *object) {
    return object->ready ? object->crc : 0;
}
