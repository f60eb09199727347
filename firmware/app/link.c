/* Frames in, frames out, each request once.
 * SPDX-License-Identifier: BSD-3-Clause
 */
#include "app/link.h"

#include <string.h>

#define SESSIONLESS(NAME, name, code, size, tail, element, sessionless) [code] = (sessionless) != 0,
static const bool IS_SESSIONLESS[UINT8_MAX + 1] = {FW_MESSAGES(SESSIONLESS)};

void link_init(link_state *link) {
    memset(link, 0, sizeof *link);
    link->expected = 1;
}

uint16_t link_open_session(link_state *link, uint32_t session) {
    if (session != link->session) {
        link->session = session;
        link->expected = 1;
        link->oldest = 0;
        link->pending.answer = NULL;
        link->early.kind = 0;
        for (size_t i = 0; i < FW_WINDOW; i++) {
            link->answers[i].request = 0;
        }
    }
    return link->expected;
}

static size_t out_room(link_state *link) {
    if (link->out_start > 0) {
        memmove(link->out, link->out + link->out_start, link->out_end - link->out_start);
        link->out_end -= link->out_start;
        link->out_start = 0;
    }
    return LINK_OUT_SIZE - link->out_end;
}

static void send_frame(link_state *link, link_answer *answer) {
    fw_put_u32(answer->bytes + answer->size, fx_crc32(0, answer->bytes, answer->size));
    link->out_end += fx_cobs_encode(answer->bytes, answer->size + LINK_CRC_SIZE, link->out + link->out_end);
    link->out[link->out_end++] = 0;
}

void link_send_event(link_state *link, uint8_t event, const uint8_t *payload, size_t size) {
    if (out_room(link) < LINK_EVENT_SIZE) {
        return;
    }
    fw_header header = {.kind = FW_KIND_EVENT, .message = event, .session = link->session};
    fw_pack_header(&header, link->scratch.bytes);
    memcpy(link->scratch.bytes + FW_HEADER_SIZE, payload, size);
    link->scratch.size = (uint16_t)(FW_HEADER_SIZE + size);
    send_frame(link, &link->scratch);
}

link_reply link_reply_to(const link_request *request) {
    return (link_reply){.payload = request->answer->bytes + FW_HEADER_SIZE};
}

void link_answer_request(link_state *link, const link_request *request, fx_status status, link_reply reply) {
    fw_header header = request->header;
    header.kind = FW_KIND_ANSWER;
    if (status != FX_OK) {
        fw_error error = {.status = (uint16_t)status, .detail = reply.detail};
        header.kind = FW_KIND_ERROR;
        fw_pack_error(&error, reply.payload);
        reply.size = FW_ERROR_SIZE;
    }
    fw_pack_header(&header, request->answer->bytes);
    request->answer->size = (uint16_t)(FW_HEADER_SIZE + reply.size);
    send_frame(link, request->answer);
}

static void refuse(link_state *link, link_request *request, fx_status status, int32_t detail) {
    request->answer = &link->scratch;
    link_reply reply = link_reply_to(request);
    reply.detail = detail;
    link_answer_request(link, request, status, reply);
}

static link_answer *kept_answer(link_state *link, uint16_t request) {
    for (size_t i = 0; i < FW_WINDOW; i++) {
        if (request != 0 && link->answers[i].request == request) {
            return &link->answers[i];
        }
    }
    return NULL;
}

/* The slot that keeps the answer of the request expected, which is now taken. */
static link_answer *next_answer(link_state *link) {
    link_answer *answer = &link->answers[link->oldest];
    answer->request = link->expected;
    link->oldest = (uint16_t)((link->oldest + 1u) % FW_WINDOW);
    link->expected = link->expected == UINT16_MAX ? 1 : (uint16_t)(link->expected + 1u);
    return answer;
}

/* Something else has come while a request is pending: the answer tells the host to ask again. */
static void put_off(link_state *link, const link_request *request) {
    if (!link_waits_for(link, FW_MESSAGE_SAFE_IDLE)) {
        link->early = request->header;
    }
}

/* The host asks for what is being executed: it is told that the answer comes. */
static void tell_under_way(link_state *link) {
    uint8_t payload[FW_UNDER_WAY_EVENT_SIZE];
    fw_under_way_event event = {.request = link->pending.header.request};
    fw_pack_under_way_event(&event, payload);
    link_send_event(link, FW_EVENT_UNDER_WAY, payload, sizeof payload);
}

/* Whether a request is to be executed; what needs no execution is answered. */
static bool admit(link_state *link, link_request *request) {
    fw_header header = request->header;
    link_answer *kept = kept_answer(link, header.request);
    if (IS_SESSIONLESS[header.message]) {
        request->answer = &link->scratch;
        return true;
    }
    if (link->session == 0 || header.session != link->session) {
        refuse(link, request, FX_ERROR_STALE_SESSION, 0);
    } else if (kept != NULL && kept == link->pending.answer) {
        tell_under_way(link);
    } else if (kept != NULL) {
        link->replays++;
        send_frame(link, kept);
    } else if (link->pending.answer != NULL) {
        put_off(link, request);
    } else if (header.request != link->expected) {
        refuse(link, request, FX_ERROR_OUT_OF_ORDER, link->expected);
    } else {
        request->answer = next_answer(link);
        return true;
    }
    return false;
}

/* Decode and check the frame collected; false when it is to be dropped. */
static bool open_frame(link_state *link, size_t *size) {
    if (link->frame_too_long || fx_cobs_decode(link->frame, link->frame_size, link->frame, size) != FX_OK) {
        return false;
    }
    if (*size < FW_HEADER_SIZE + LINK_CRC_SIZE || *size > LINK_FRAME_SIZE || link->frame[0] != FW_KIND_REQUEST) {
        return false;
    }
    *size -= LINK_CRC_SIZE;
    return fw_get_u32(link->frame + *size) == fx_crc32(0, link->frame, *size);
}

/* What the frame collected asks for; true when that is to be executed. */
static bool take_frame(link_state *link, link_request *request) {
    size_t size = 0;
    if (link->frame_size == 0) {
        return false;
    }
    if (!open_frame(link, &size)) {
        link->bad_frames++;
        return false;
    }
    link->frames++;
    link->heard = true;
    fw_unpack_header(&request->header, link->frame);
    request->payload = link->frame + FW_HEADER_SIZE;
    request->size = size - FW_HEADER_SIZE;
    return admit(link, request);
}

/* Move bytes from the input buffer to the frame up to a delimiter; true when a frame is complete. */
static bool collect_frame(link_state *link) {
    while (link->in_start < link->in_end) {
        uint8_t byte = link->in[link->in_start++];
        if (byte == 0) {
            return true;
        }
        if (link->frame_size < sizeof link->frame) {
            link->frame[link->frame_size++] = byte;
        } else {
            link->frame_too_long = true;
        }
    }
    return false;
}

static bool has_room(link_state *link) {
    return out_room(link) >= LINK_ENCODED_SIZE + LINK_EVENT_SIZE;
}

void link_answer_later(link_state *link, const link_request *request) {
    link->pending = *request;
}

bool link_waits_for(const link_state *link, uint8_t message) {
    return link->early.kind != 0 && link->early.message == message;
}

bool link_answer_pending(link_state *link, fx_status status, link_reply reply) {
    if (link->pending.answer == NULL) {
        return true; /* its session is over */
    }
    if (!has_room(link)) {
        return false;
    }
    link_answer_request(link, &link->pending, status, reply);
    link->pending.answer = NULL;
    if (link->early.kind != 0) {
        link_request early = {.header = link->early};
        refuse(link, &early, FX_ERROR_OUT_OF_ORDER, link->expected);
        link->early.kind = 0;
    }
    return true;
}

bool link_poll(link_state *link, hal *port) {
    size_t sent = hal_serial_write(port, link->out + link->out_start, link->out_end - link->out_start);
    link->out_start += sent;
    if (link->in_start == link->in_end) {
        link->in_start = 0;
        link->in_end = hal_serial_read(port, link->in, sizeof link->in);
    }
    return sent > 0 || (has_room(link) && link->in_start < link->in_end);
}

bool link_take(link_state *link, link_request *request) {
    if (!has_room(link) || !collect_frame(link)) {
        return false;
    }
    bool wanted = take_frame(link, request);
    link->frame_size = 0;
    link->frame_too_long = false;
    return wanted;
}
