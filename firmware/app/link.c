/* Frames in, frames out, each request once.
 * SPDX-License-Identifier: BSD-3-Clause
 */
#include "app/link.h"

#include <string.h>

#include "app/commands.h"
#include "app/firmware.h"

void link_init(link_state *link) {
    memset(link, 0, sizeof *link);
    link->expected = 1;
}

uint16_t link_open_session(link_state *link, uint32_t session) {
    if (session != link->session) {
        link->session = session;
        link->expected = 1;
        link->oldest = 0;
        for (size_t i = 0; i < FW_WINDOW; i++)
            link->answers[i].request = 0;
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
    if (out_room(link) < LINK_EVENT_SIZE)
        return;
    fw_header header = {.kind = FW_KIND_EVENT, .message = event, .session = link->session};
    fw_pack_header(&header, link->scratch.bytes);
    memcpy(link->scratch.bytes + FW_HEADER_SIZE, payload, size);
    link->scratch.size = (uint16_t)(FW_HEADER_SIZE + size);
    send_frame(link, &link->scratch);
}

/* Put header and payload of a finished command together and send them. */
static void answer_request(link_state *link, link_answer *answer, fw_header header, fx_status status,
                           link_reply reply) {
    header.kind = FW_KIND_ANSWER;
    if (status != FX_OK) {
        fw_error error = {.status = (uint16_t)status, .detail = reply.detail};
        header.kind = FW_KIND_ERROR;
        fw_pack_error(&error, reply.payload);
        reply.size = FW_ERROR_SIZE;
    }
    fw_pack_header(&header, answer->bytes);
    answer->size = (uint16_t)(FW_HEADER_SIZE + reply.size);
    send_frame(link, answer);
}

static void refuse(link_state *link, fw_header header, fx_status status, int32_t detail) {
    link_reply reply = {.payload = link->scratch.bytes + FW_HEADER_SIZE, .detail = detail};
    answer_request(link, &link->scratch, header, status, reply);
}

static void execute(firmware *board, link_answer *answer, fw_header header, const uint8_t *payload, size_t size) {
    link_reply reply = {.payload = answer->bytes + FW_HEADER_SIZE};
    fx_status status = commands_execute(board, header.message, payload, size, &reply);
    answer_request(&board->link, answer, header, status, reply);
}

static link_answer *kept_answer(link_state *link, uint16_t request) {
    for (size_t i = 0; i < FW_WINDOW; i++)
        if (request != 0 && link->answers[i].request == request)
            return &link->answers[i];
    return NULL;
}

static void execute_ordered(firmware *board, fw_header header, const uint8_t *payload, size_t size) {
    link_state *link = &board->link;
    link_answer *answer = &link->answers[link->oldest];
    answer->request = header.request;
    link->oldest = (uint16_t)((link->oldest + 1u) % FW_WINDOW);
    link->expected = link->expected == UINT16_MAX ? 1 : (uint16_t)(link->expected + 1u);
    execute(board, answer, header, payload, size);
}

static void handle_request(firmware *board, fw_header header, const uint8_t *payload, size_t size) {
    link_state *link = &board->link;
    link_answer *kept;
    if (commands_is_sessionless(header.message)) {
        execute(board, &link->scratch, header, payload, size);
    } else if (link->session == 0 || header.session != link->session) {
        refuse(link, header, FX_ERROR_STALE_SESSION, 0);
    } else if ((kept = kept_answer(link, header.request)) != NULL) {
        link->replays++;
        send_frame(link, kept);
    } else if (header.request != link->expected) {
        refuse(link, header, FX_ERROR_OUT_OF_ORDER, link->expected);
    } else {
        execute_ordered(board, header, payload, size);
    }
}

/* Decode and check the frame collected; false when it is to be dropped. */
static bool open_frame(link_state *link, size_t *size) {
    if (link->frame_too_long || fx_cobs_decode(link->frame, link->frame_size, link->frame, size) != FX_OK)
        return false;
    if (*size < FW_HEADER_SIZE + LINK_CRC_SIZE || *size > LINK_FRAME_SIZE || link->frame[0] != FW_KIND_REQUEST)
        return false;
    *size -= LINK_CRC_SIZE;
    return fw_get_u32(link->frame + *size) == fx_crc32(0, link->frame, *size);
}

static void handle_frame(firmware *board) {
    link_state *link = &board->link;
    size_t size = 0;
    if (link->frame_size > 0 && open_frame(link, &size)) {
        fw_header header;
        fw_unpack_header(&header, link->frame);
        link->frames++;
        link->heard = true;
        handle_request(board, header, link->frame + FW_HEADER_SIZE, size - FW_HEADER_SIZE);
    } else if (link->frame_size > 0) {
        link->bad_frames++;
    }
    link->frame_size = 0;
    link->frame_too_long = false;
}

/* Move bytes from the input buffer to the frame up to a delimiter; true when a frame is complete. */
static bool collect_frame(link_state *link) {
    while (link->in_start < link->in_end) {
        uint8_t byte = link->in[link->in_start++];
        if (byte == 0)
            return true;
        if (link->frame_size < sizeof link->frame)
            link->frame[link->frame_size++] = byte;
        else
            link->frame_too_long = true;
    }
    return false;
}

bool link_poll(firmware *board) {
    link_state *link = &board->link;
    size_t sent = hal_serial_write(board->hal, link->out + link->out_start, link->out_end - link->out_start);
    link->out_start += sent;
    if (link->in_start == link->in_end) {
        link->in_start = 0;
        link->in_end = hal_serial_read(board->hal, link->in, sizeof link->in);
    }
    bool room = out_room(link) >= LINK_ENCODED_SIZE + LINK_EVENT_SIZE;
    bool busy = sent > 0 || (room && link->in_start < link->in_end);
    if (room && collect_frame(link))
        handle_frame(board);
    return busy;
}
