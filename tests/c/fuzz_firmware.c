/* Send the firmware frames that are right, wrong and damaged, with chips that fail now and then. The sanitizers watch, the
 * chips check the limits, and no frame sent twice may pulse twice.
 *
 *     fuzz_firmware <iterations> <seed> <image>...
 *
 * Prints one line per message code and status met: both numbers and how often. Built for libFuzzer, the bytes that this
 * one gives make every choice, guided by coverage:
 *
 *     fuzz_firmware <libFuzzer's arguments> -ignore_remaining_args=1 <image>...
 */
#include "app/firmware.h"
#include "files.h"
#include "stub_chips.h"

#define CODES 256u
#define STATUSES 128u
#define SESSION 0x5EEDu

typedef struct {
    generator random;
    generator noise; /* of the chips */
    firmware *board;
    firmware_cells *cells;
    hal *port;
    stub_chips chips;
    buffer *images; /* the last one is a target map */
    size_t image_count;
    size_t image[2];    /* which image is on its way, as program and as target map */
    uint32_t offset[2]; /* where the board wants to go on */
    size_t object;      /* 0 or 1, of the last object message */
    uint16_t expected;
    uint32_t met[CODES][STATUSES];
} fuzzer;

/* A target map of mostly cells to leave alone, so that campaigns end. */
static buffer make_target(generator *random) {
    buffer map = {.bytes = malloc(OBJECTS_TARGET_CAPACITY), .size = OBJECTS_TARGET_CAPACITY};
    CHECK(map.bytes != NULL);
    memset(map.bytes, 0xFF, map.size);
    for (int cell = 0; cell < 40; cell++) {
        map.bytes[below(random, map.size)] = (uint8_t)next_random(random);
    }
    return map;
}

static size_t compose_object(fuzzer *fuzz, uint8_t message, uint8_t *payload) {
    size_t which = fuzz->object = below(&fuzz->random, 2);
    payload[0] = (uint8_t)(which + 1);
    if (message == FW_MESSAGE_OBJECT_BEGIN && (which == 1 || below(&fuzz->random, 8) == 0)) {
        fuzz->image[which] = which == 1 ? fuzz->image_count - 1 : below(&fuzz->random, fuzz->image_count - 1);
    }
    buffer image = fuzz->images[fuzz->image[which]];
    if (message == FW_MESSAGE_OBJECT_BEGIN) {
        fw_put_u32(payload + 1, (uint32_t)image.size);
        fw_put_u32(payload + 5, fx_crc32(0, image.bytes, image.size));
        return FW_OBJECT_BEGIN_REQUEST_SIZE;
    }
    if (message == FW_MESSAGE_OBJECT_FINISH) {
        return FW_OBJECT_FINISH_REQUEST_SIZE;
    }
    uint32_t offset = fuzz->offset[which] < image.size ? fuzz->offset[which] : 0;
    size_t room = FW_MAX_PAYLOAD - FW_OBJECT_WRITE_REQUEST_SIZE;
    size_t size = image.size - offset < room ? image.size - offset : room;
    fw_put_u32(payload + 1, offset);
    memcpy(payload + FW_OBJECT_WRITE_REQUEST_SIZE, image.bytes + offset, size);
    return FW_OBJECT_WRITE_REQUEST_SIZE + size;
}

static size_t compose_gate_scheme(generator *random, uint8_t *record) {
    memset(record, 0, FW_GATE_SCHEME_SIZE);
    record[0] = (uint8_t)below(random, 2);
    record[1] = (uint8_t)below(random, 2);
    fw_put_u16(record + 2, (uint16_t)(1 + below(random, 5)));
    fw_put_i16(record + 4, 2500);
    fw_put_i16(record + 6, -1700);
    fw_put_u32(record + 8, 5);
    fw_put_u32(record + 12, 5);
    fw_put_u16(record + 16, (uint16_t)next_random(random));
    fw_put_u16(record + 20, UINT16_MAX);
    for (size_t i = 22; i < FW_GATE_SCHEME_SIZE; i++) {
        record[i] = (uint8_t)next_random(random);
    }
    return FW_GATE_SCHEME_SIZE;
}

static void compose_ladder(generator *random, int sign, uint8_t *record) {
    int first = 1 + (int)below(random, 3000);
    fw_put_i16(record, (int16_t)(sign * first));
    fw_put_i16(record + 2, (int16_t)(sign * (int)(next_random(random) >> (52 + below(random, 12)))));
    fw_put_i16(record + 4, (int16_t)(sign * (first + (int)below(random, (size_t)(3010 - first)))));
    fw_put_u16(record + 6, (uint16_t)next_random(random));
    fw_put_u32(record + 8, 5);
}

static size_t compose_ladders(generator *random, uint8_t *record) {
    fw_put_u16(record, (uint16_t)below(random, 4));
    fw_put_u16(record + 2, (uint16_t)below(random, 20));
    compose_ladder(random, 1, record + FW_INCREMENTAL_SCHEME_SIZE);
    compose_ladder(random, -1, record + FW_INCREMENTAL_SCHEME_SIZE + FW_LADDER_SIZE);
    return FW_INCREMENTAL_SCHEME_SIZE + 2 * FW_LADDER_SIZE;
}

static size_t compose_scheme(generator *random, uint8_t *payload) {
    memset(payload, 0, FW_CAMPAIGN_SCHEME_REQUEST_SIZE);
    uint8_t kind = payload[0] = (uint8_t)below(random, 2);
    payload[1] = (uint8_t)below(random, FW_RANGE_COUNT);
    payload[3] = (uint8_t)(1 + below(random, 3));
    fw_put_u16(payload + 4, (uint16_t)next_random(random));
    fw_put_u32(payload + 6, (uint32_t)next_random(random) >> below(random, 32));
    fw_put_u32(payload + 10, (uint32_t)below(random, 3));
    uint8_t *parameters = payload + FW_CAMPAIGN_SCHEME_REQUEST_SIZE;
    return FW_CAMPAIGN_SCHEME_REQUEST_SIZE +
           (kind == FW_SCHEME_GATE ? compose_gate_scheme(random, parameters) : compose_ladders(random, parameters));
}

static size_t random_bytes(generator *random, uint8_t *payload, size_t size) {
    for (size_t i = 0; i < size; i++) {
        payload[i] = (uint8_t)next_random(random);
    }
    return size;
}

/* A piece of few timesteps, now and then of so many that it takes several slices. */
static size_t compose_run(generator *random, uint8_t *payload) {
    payload[0] = (uint8_t)next_random(random);
    fw_put_u16(payload + 1, (uint16_t)below(random, 3));
    fw_put_u16(payload + 3, (uint16_t)(next_random(random) >> (48 + below(random, 16))));
    size_t codes = below(random, 3) == 0 ? 0 : below(random, 65);
    return random_bytes(random, payload + FW_RUN_REQUEST_SIZE, 2 * codes) + FW_RUN_REQUEST_SIZE;
}

/* A payload that the message may well accept. */
static size_t compose(fuzzer *fuzz, uint8_t message, uint8_t *payload) {
    generator *random = &fuzz->random;
    switch (message) {
    case FW_MESSAGE_OPEN_SESSION:
        fw_put_u32(payload, SESSION + (below(random, 50) == 0));
        fw_put_u32(payload + 4, fuzz->board->link.session ^ (below(random, 10) == 0));
        return FW_OPEN_SESSION_REQUEST_SIZE;
    case FW_MESSAGE_OBJECT_BEGIN:
    case FW_MESSAGE_OBJECT_WRITE:
    case FW_MESSAGE_OBJECT_FINISH:
        return compose_object(fuzz, message, payload);
    case FW_MESSAGE_READ_CONDUCTANCE:
        memcpy(payload, (const uint8_t[]){(uint8_t)below(random, 130), 0, 1, (uint8_t)below(random, 7), 0}, 5);
        return FW_READ_CONDUCTANCE_REQUEST_SIZE;
    case FW_MESSAGE_MULTIPLY:
        random_bytes(random, payload, FW_MULTIPLY_REQUEST_SIZE + 2 * FW_ROWS);
        payload[0] &= 7;
        return FW_MULTIPLY_REQUEST_SIZE + 2 * FW_ROWS;
    case FW_MESSAGE_PULSE:
        random_bytes(random, payload, FW_PULSE_REQUEST_SIZE + 2 * FW_COLUMNS);
        fw_put_u16(payload, (uint16_t)below(random, FW_ROWS + 2));
        fw_put_i16(payload + 2, (int16_t)(below(random, 6400) - 3200));
        fw_put_u32(payload + 4, (uint32_t)below(random, FW_LIMIT_PULSE_MICROSECONDS + 100));
        return FW_PULSE_REQUEST_SIZE + 2 * FW_COLUMNS;
    case FW_MESSAGE_CAMPAIGN_SCHEME:
        return compose_scheme(random, payload);
    case FW_MESSAGE_CAMPAIGN_START:
        fw_put_u32(payload, fuzz->board->objects.target.crc);
        return FW_CAMPAIGN_START_REQUEST_SIZE;
    case FW_MESSAGE_RUN:
        return compose_run(random, payload);
    case FW_MESSAGE_PUT_STATE:
        fw_put_u32(payload, (uint32_t)below(random, 50));
        return random_bytes(random, payload + 4, 2 * below(random, 20)) + FW_PUT_STATE_REQUEST_SIZE;
    case FW_MESSAGE_GET_STATE:
        fw_put_u32(payload, (uint32_t)below(random, 50));
        fw_put_u16(payload + 4, (uint16_t)(below(random, 20) == 0 ? below(random, UINT16_MAX) : below(random, 20)));
        return FW_GET_STATE_REQUEST_SIZE;
    case FW_MESSAGE_CAMPAIGN_CELLS:
        fw_put_u16(payload, (uint16_t)below(random, FW_ROWS + 2));
        return FW_CAMPAIGN_CELLS_REQUEST_SIZE;
    case FW_MESSAGE_MEASURE_OUTPUTS:
        memcpy(payload, (const uint8_t[]){(uint8_t)below(random, 14), (uint8_t)below(random, 2)}, 2);
        return random_bytes(random, payload + FW_MEASURE_OUTPUTS_REQUEST_SIZE, 32) + FW_MEASURE_OUTPUTS_REQUEST_SIZE;
    case FW_MESSAGE_MEASURE_AMPLIFIERS:
        random_bytes(random, payload, 4);
        fw_put_u16(payload, (uint16_t)below(random, FW_ROWS + 2));
        memcpy(payload + 4, (const uint8_t[]){(uint8_t)below(random, 7), (uint8_t)below(random, 2)}, 2);
        return FW_MEASURE_AMPLIFIERS_REQUEST_SIZE;
    default:
        return 0;
    }
}

static size_t make_frame(fuzzer *fuzz, uint8_t *encoded) {
    generator *random = &fuzz->random;
    uint8_t frame[LINK_FRAME_SIZE + 64];
    bool wild = below(random, 20) == 0;
    fw_header header = {.kind = FW_KIND_REQUEST,
                        .message = (uint8_t)(1 + below(random, FW_MESSAGE_MEASURE_AMPLIFIERS))};
    header.request = wild ? (uint16_t)next_random(random) : fuzz->expected;
    header.session = fuzz->board->link.session ^ (below(random, 100) == 0);
    size_t size = compose(fuzz, header.message, frame + FW_HEADER_SIZE);
    if (wild) {
        size = random_bytes(random, frame + FW_HEADER_SIZE, below(random, FW_MAX_PAYLOAD + 32));
    }
    for (size_t flips = below(random, 8) == 0 ? 1 + below(random, 3) : 0; flips > 0 && size > 0; flips--) {
        frame[FW_HEADER_SIZE + below(random, size)] ^= (uint8_t)(1u << below(random, 8));
    }
    if (below(random, 200) == 0) {
        header.message = (uint8_t)next_random(random);
    }
    fw_pack_header(&header, frame);
    fw_put_u32(frame + FW_HEADER_SIZE + size, fx_crc32(0, frame, FW_HEADER_SIZE + size));
    size_t length = fx_cobs_encode(frame, FW_HEADER_SIZE + size + LINK_CRC_SIZE, encoded);
    if (below(random, 10) == 0) {
        encoded[below(random, length)] = (uint8_t)next_random(random);
    }
    encoded[length] = 0;
    return length + 1;
}

static void note_answer(fuzzer *fuzz, const uint8_t *frame, size_t size) {
    fw_header header;
    fw_unpack_header(&header, frame);
    const uint8_t *payload = frame + FW_HEADER_SIZE;
    unsigned status = header.kind == FW_KIND_ERROR ? fw_get_u16(payload) : 0;
    CHECK(status < STATUSES && size <= FW_HEADER_SIZE + FW_MAX_PAYLOAD);
    if (header.kind != FW_KIND_EVENT) {
        fuzz->met[header.message][status]++;
    }
    bool offset = header.message == FW_MESSAGE_OBJECT_BEGIN || header.message == FW_MESSAGE_OBJECT_WRITE;
    if (header.kind == FW_KIND_ANSWER && offset) {
        fuzz->offset[fuzz->object] = fw_get_u32(payload);
    }
}

/* Every frame that comes out is whole. */
static void take_answers(fuzzer *fuzz) {
    uint8_t frame[LINK_ENCODED_SIZE];
    size_t size = 0, decoded;
    while (size < sizeof frame && port_receive(fuzz->port, frame + size, 1) == 1) {
        if (frame[size] != 0) {
            size++;
            continue;
        }
        CHECK(fx_cobs_decode(frame, size, frame, &decoded) == FX_OK && decoded >= FW_HEADER_SIZE + LINK_CRC_SIZE);
        decoded -= LINK_CRC_SIZE;
        CHECK(fw_get_u32(frame + decoded) == fx_crc32(0, frame, decoded));
        note_answer(fuzz, frame, decoded);
        size = 0;
    }
    CHECK(size == 0);
}

static void deliver(fuzzer *fuzz, const uint8_t *encoded, size_t size) {
    CHECK(port_send(fuzz->port, encoded, size) == size);
    for (int pass = 0; pass < 12; pass++) {
        firmware_poll(fuzz->board);
    }
    take_answers(fuzz);
}

static void step(fuzzer *fuzz) {
    uint8_t encoded[2 * LINK_FRAME_SIZE];
    fuzz->chips.damage = below(&fuzz->random, 4) == 0 ? 500 : 0;
    fuzz->expected = fuzz->board->link.expected;
    size_t size = make_frame(fuzz, encoded);
    deliver(fuzz, encoded, size);
    if (below(&fuzz->random, 4) == 0 && fuzz->board->campaign.state != FW_CAMPAIGN_RUNNING) {
        uint32_t pulses = fuzz->chips.pulses;
        deliver(fuzz, encoded, size);
        if (fuzz->board->campaign.state != FW_CAMPAIGN_RUNNING) {
            CHECK(fuzz->chips.pulses == pulses);
        }
    }
    if (below(&fuzz->random, 500) == 0) {
        fuzz->chips.now += FW_LIMIT_SILENCE_MILLISECONDS * 1000u;
    }
    if (below(&fuzz->random, 20000) == 0) {
        firmware_init(fuzz->board, fuzz->cells, fuzz->port);
    }
}

/* Take images and make what does not change from run to run. */
static fuzzer *make_fuzzer(size_t count, char **paths) {
    fuzzer *fuzz = calloc(1, sizeof *fuzz);
    CHECK(fuzz != NULL && count > 0);
    fuzz->image_count = count + 1;
    fuzz->images = calloc(fuzz->image_count, sizeof *fuzz->images);
    fuzz->board = malloc(firmware_size());
    fuzz->cells = malloc(firmware_cells_size());
    fuzz->port = calloc(1, sizeof *fuzz->port);
    CHECK(fuzz->images != NULL && fuzz->board != NULL && fuzz->cells != NULL && fuzz->port != NULL);
    for (size_t i = 0; i < count; i++) {
        fuzz->images[i] = read_file(paths[i]);
    }
    fuzz->noise.state = 1;
    fuzz->images[count] = make_target(&fuzz->noise);
    return fuzz;
}

/* Power up, with the choices to come from `random`. */
static void begin(fuzzer *fuzz, generator random) {
    fuzz->random = random;
    fuzz->noise.state = 1;
    fuzz->object = 0;
    memset(fuzz->image, 0, sizeof fuzz->image);
    memset(fuzz->offset, 0, sizeof fuzz->offset);
    memset(fuzz->port, 0, sizeof *fuzz->port);
    stub_connect(&fuzz->chips, fuzz->port, &fuzz->noise);
    firmware_init(fuzz->board, fuzz->cells, fuzz->port);
}

#ifdef COVERAGE_GUIDED

static fuzzer *the_fuzzer;

int LLVMFuzzerInitialize(int *count, char ***arguments);
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerInitialize(int *count, char ***arguments) {
    int first = 1;
    while (first < *count && strcmp((*arguments)[first], "-ignore_remaining_args=1") != 0) {
        first++;
    }
    CHECK(first + 1 < *count);
    the_fuzzer = make_fuzzer((size_t)(*count - first - 1), *arguments + first + 1);
    return 0;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    begin(the_fuzzer, (generator){.bytes = data, .left = size});
    while (the_fuzzer->random.left > 0) {
        step(the_fuzzer);
    }
    return 0;
}

#else

static void drop_fuzzer(fuzzer *fuzz) {
    for (size_t i = 0; i < fuzz->image_count; i++) {
        free(fuzz->images[i].bytes);
    }
    free(fuzz->images);
    free(fuzz->board);
    free(fuzz->cells);
    free(fuzz->port);
    free(fuzz);
}

int main(int count, char **arguments) {
    CHECK(count > 3);
    fuzzer *fuzz = make_fuzzer((size_t)(count - 3), arguments + 3);
    begin(fuzz, (generator){.state = strtoull(arguments[2], NULL, 10)});
    for (unsigned long i = strtoul(arguments[1], NULL, 10); i > 0; i--) {
        step(fuzz);
    }
    for (size_t code = 0; code < CODES; code++) {
        for (size_t status = 0; status < STATUSES; status++) {
            if (fuzz->met[code][status] != 0) {
                printf("%zu %zu %u\n", code, status, fuzz->met[code][status]);
            }
        }
    }
    drop_fuzzer(fuzz);
    return EXIT_SUCCESS;
}

#endif
