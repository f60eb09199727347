/* The frame decoder and the link, for libFuzzer. The first byte of an input says what its rest is: bytes as they come from
 * the line, or the contents of frames, each after its length, which get their CRC and encoding here so that what is behind those is
 * reached. Whatever the line brings, every answer is a whole frame, and decoding an encoding gives back what was encoded. */
#include <string.h>

#include "app/link.h"
#include "check.h"
#include "port/host/port.h"

static uint8_t *copy_of(const uint8_t *bytes, size_t size) {
    uint8_t *copy = malloc(size + !size);
    CHECK(copy != NULL);
    memcpy(copy, bytes, size);
    return copy;
}

static void decode_in_exact_buffers(const uint8_t *data, size_t size) {
    uint8_t *encoded = malloc(fx_cobs_bound(size)), *given = copy_of(data, size), *decoded = malloc(size + !size);
    CHECK(encoded != NULL && decoded != NULL);
    size_t written = 0, encoded_size = fx_cobs_encode(data, size, encoded);
    CHECK(fx_cobs_decode(encoded, encoded_size, encoded, &written) == FX_OK);
    CHECK(written == size && memcmp(encoded, data, size) == 0);
    if (fx_cobs_decode(given, size, decoded, &written) == FX_OK) {
        CHECK(written < size);
    }
    free(encoded);
    free(given);
    free(decoded);
}

/* Every frame that comes out is whole. */
static void take_frames(hal *port) {
    uint8_t frame[LINK_ENCODED_SIZE];
    size_t size = 0, decoded = 0;
    while (port_receive(port, frame + size, 1) == 1) {
        if (frame[size] != 0) {
            size++;
            CHECK(size < sizeof frame);
            continue;
        }
        CHECK(fx_cobs_decode(frame, size, frame, &decoded) == FX_OK && decoded >= FW_HEADER_SIZE + LINK_CRC_SIZE);
        decoded -= LINK_CRC_SIZE;
        CHECK(fw_get_u32(frame + decoded) == fx_crc32(0, frame, decoded));
        size = 0;
    }
}

/* Bytes from the line; what is to be executed is answered with its own payload, or opens a session. */
static void receive(link_state *link, hal *port, const uint8_t *bytes, size_t size) {
    for (size_t sent = 0; sent < size; take_frames(port)) {
        link_request request;
        sent += port_send(port, bytes + sent, size - sent);
        while (link_poll(link, port)) {
            if (!link_take(link, &request)) {
                continue;
            }
            CHECK(request.size <= FW_MAX_PAYLOAD);
            if (request.header.message == FW_MESSAGE_OPEN_SESSION) {
                link_open_session(link, request.header.session);
            }
            link_reply reply = link_reply_to(&request);
            memcpy(reply.payload, request.payload, request.size);
            reply.size = request.size;
            link_answer_request(link, &request, FX_OK, reply);
        }
    }
}

static void receive_contents(link_state *link, hal *port, const uint8_t *data, size_t size) {
    uint8_t frame[FW_HEADER_SIZE + FW_MAX_PAYLOAD + LINK_CRC_SIZE], encoded[2 * sizeof frame];
    while (size > 0) {
        size_t length = data[0] < size - 1 ? data[0] : size - 1;
        memcpy(frame, data + 1, length);
        fw_put_u32(frame + length, fx_crc32(0, frame, length));
        size_t encoded_size = fx_cobs_encode(frame, length + LINK_CRC_SIZE, encoded);
        encoded[encoded_size] = 0;
        receive(link, port, encoded, encoded_size + 1);
        data += 1 + length;
        size -= 1 + length;
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    static link_state link;
    static hal port;
    if (size == 0) {
        return 0;
    }
    memset(&port, 0, sizeof port);
    link_init(&link);
    decode_in_exact_buffers(data + 1, size - 1);
    ((data[0] & 1u) != 0 ? receive_contents : receive)(&link, &port, data + 1, size - 1);
    return 0;
}
