/* The link: bytes to frames, request order, replayed answers, the queue of outgoing bytes.
 * SPDX-License-Identifier: BSD-3-Clause
 *
 * A request is executed once: only the id expected next executes, and its answer is kept. An id among the last
 * FW_WINDOW is answered from memory. Damaged frames are counted and dropped; the host asks again.
 */
#ifndef LINK_H
#define LINK_H

#include "fxlstm.h"
#include "gen/protocol.h"
#include "hal/hal.h"

typedef struct firmware firmware;

enum {
    LINK_CRC_SIZE = 4,
    LINK_FRAME_SIZE = FW_HEADER_SIZE + FW_MAX_PAYLOAD + LINK_CRC_SIZE,
    LINK_ENCODED_SIZE = LINK_FRAME_SIZE + LINK_FRAME_SIZE / 254 + 2, /* COBS overhead and the delimiter */
    LINK_EVENT_SIZE = 64,                                            /* an encoded event is shorter */
    LINK_OUT_SIZE = (FW_WINDOW + 1) * LINK_ENCODED_SIZE,
    LINK_IN_SIZE = 256,
};

/* A frame as sent, before its CRC and COBS. */
typedef struct {
    uint16_t request; /* 0: empty */
    uint16_t size;    /* header and payload */
    uint8_t bytes[LINK_FRAME_SIZE];
} link_answer;

/* What a command writes. `detail` goes out with an error. */
typedef struct {
    uint8_t *payload;
    size_t size;
    int32_t detail;
} link_reply;

typedef struct {
    uint32_t session;
    uint16_t expected; /* request id to execute next */
    uint16_t oldest;   /* slot of `answers` to be reused next */
    link_answer answers[FW_WINDOW];
    link_answer scratch; /* answers that are not kept */
    uint8_t frame[LINK_ENCODED_SIZE];
    size_t frame_size;
    bool frame_too_long;
    uint8_t in[LINK_IN_SIZE];
    size_t in_start, in_end;
    uint8_t out[LINK_OUT_SIZE];
    size_t out_start, out_end;
    uint32_t frames, bad_frames, replays;
    bool heard; /* a good frame has come since the flag was last cleared */
} link_state;

void link_init(link_state *link);

/* Take a session: a new one starts at request 1 with no kept answers. Returns the request id expected next. */
uint16_t link_open_session(link_state *link, uint32_t session);

/* Send what waits, read, and execute at most one frame. Returns whether there was something to do. */
bool link_poll(firmware *board);

/* Queue an event; when the queue is full the event is lost, as events may be. */
void link_send_event(link_state *link, uint8_t event, const uint8_t *payload, size_t size);

#endif
