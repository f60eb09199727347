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

/* A request that is to be executed now, once. `payload` stands in the link until the answer is sent. */
typedef struct {
    fw_header header;
    const uint8_t *payload;
    size_t size;
    link_answer *answer; /* where its answer goes; NULL: there is no request */
} link_request;

/* What a command writes. `detail` goes out with an error. */
typedef struct {
    uint8_t *payload; /* room for FW_MAX_PAYLOAD bytes */
    size_t size;
    int32_t detail;
    bool later; /* the command goes on: link_answer_pending sends its answer */
} link_reply;

typedef struct {
    uint32_t session;
    uint16_t expected; /* request id to execute next */
    uint16_t oldest;   /* slot of `answers` to be reused next */
    link_answer answers[FW_WINDOW];
    link_answer scratch;  /* answers that are not kept */
    link_request pending; /* the request whose answer comes later; until then no other of its session is executed */
    fw_header early;      /* the last one that came meanwhile; kind 0: none */
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

/* Send what waits and read what has come. Returns whether bytes moved or wait to be looked at. */
bool link_poll(link_state *link, hal *port);

/* Look at the bytes up to the end of one frame; true when it is a request that is to be executed. Answers that are kept,
 * refusals and damaged frames are dealt with here. */
bool link_take(link_state *link, link_request *request);

/* The reply to be filled for a request, and the way back for it: status and reply become the answer. */
link_reply link_reply_to(const link_request *request);
void link_answer_request(link_state *link, const link_request *request, fx_status status, link_reply reply);

/* Or the request stays pending: its answer comes later, by link_answer_pending, which returns false while there is no room
 * for it. Requests that came meanwhile are then asked for again. */
void link_answer_later(link_state *link, const link_request *request);
bool link_answer_pending(link_state *link, fx_status status, link_reply reply);

/* Whether a request of this message came while another is pending. */
bool link_waits_for(const link_state *link, uint8_t message);

/* Queue an event; when the queue is full the event is lost, as events may be. */
void link_send_event(link_state *link, uint8_t event, const uint8_t *payload, size_t size);

#endif
