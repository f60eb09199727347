/* Objects that travel in pieces and resume: the program image and the target map.
 * SPDX-License-Identifier: BSD-3-Clause
 */
#ifndef OBJECTS_H
#define OBJECTS_H

#include "fxlstm.h"
#include "gen/protocol.h"
#include "gen/wiring.h"

typedef struct firmware firmware;

enum {
    OBJECTS_PROGRAM_CAPACITY = 48 * 1024,
    OBJECTS_TARGET_CAPACITY = 2 * FW_ROWS * FW_COLUMNS,
};

typedef struct {
    uint32_t size;    /* announced */
    uint32_t crc;     /* announced; of the whole */
    uint32_t arrived; /* bytes held from the start */
    bool ready;       /* checked and in use */
} object_state;

typedef struct {
    object_state program; /* in program_bytes, or what came with the firmware */
    object_state target;
    uint8_t *target_bytes; /* OBJECTS_TARGET_CAPACITY */
    _Alignas(8) uint8_t program_bytes[OBJECTS_PROGRAM_CAPACITY];
} objects_state;

/* Take the program that came with the firmware, if any, into use where it lies; the host may bring another. */
void objects_init(firmware *board);

fx_status objects_begin(firmware *board, const fw_object_begin_request *request, uint32_t *offset, int32_t *detail);
fx_status objects_write(firmware *board, const fw_object_write_request *request, const uint8_t *data, size_t size,
                        uint32_t *offset);
fx_status objects_finish(firmware *board, uint8_t object, uint32_t *crc, int32_t *detail);

/* Conductance units of a cell above the scheme's base, or OBJECTS_LEAVE_ALONE. */
#define OBJECTS_LEAVE_ALONE 65535u
uint16_t objects_target(const objects_state *objects, unsigned row, unsigned column);

/* CRC-32 of an object in use, 0 for none. */
uint32_t objects_crc(const object_state *object);

#endif
