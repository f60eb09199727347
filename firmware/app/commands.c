/* The message table and its handlers.
 * SPDX-License-Identifier: BSD-3-Clause
 */
#include "app/commands.h"

#include <string.h>

#include "app/firmware.h"

enum { LARGEST_LOG2_READS = 8, LARGEST_ROWS = 7, READ_CODE = 32767 };

_Static_assert(LARGEST_ROWS * FW_COLUMNS * 2 <= FW_MAX_PAYLOAD, "readings fit a frame");
_Static_assert(FRONT_END_CHIPS *FW_CHIP_RESULT_SIZE <= FW_MAX_PAYLOAD, "selftest fits a frame");
_Static_assert(FW_COLUMNS *FW_CELL_STATE_SIZE <= FW_MAX_PAYLOAD, "a row of cells fits a frame");

/* The array is wanted: refused while a campaign has it. */
static fx_status take_array(firmware *board) {
    if (board->campaign.state == FW_CAMPAIGN_RUNNING)
        return FX_ERROR_BUSY;
    board->safety.idle = false;
    return FX_OK;
}

/* Bring the array to rest after `status`, keeping the first failure and its chip. */
static fx_status leave_array(firmware *board, fx_status status, link_reply *reply) {
    reply->detail = board->front_end.detail;
    fx_status rest = front_end_rest(&board->front_end);
    if (status != FX_OK || rest == FX_OK)
        return status;
    reply->detail = board->front_end.detail;
    return rest;
}

static void put_codes(link_reply *reply, const int16_t *codes, size_t count) {
    for (size_t i = 0; i < count; i++)
        fw_put_i16(reply->payload + reply->size + 2 * i, codes[i]);
    reply->size += 2 * count;
}

static fx_status out_of_range(link_reply *reply, unsigned value) {
    reply->detail = (int32_t)value;
    return FX_ERROR_RANGE;
}

static fx_status handle_identify(firmware *board, const uint8_t *payload, size_t size, link_reply *reply) {
    (void)payload;
    (void)size;
    fw_identify_answer answer = {
        .protocol_hash = FW_PROTOCOL_HASH,
        .serial = hal_serial_number(board->hal),
        .firmware_major = FIRMWARE_MAJOR,
        .firmware_minor = FIRMWARE_MINOR,
        .rows = FW_ROWS,
        .columns = FW_COLUMNS,
        .max_payload = FW_MAX_PAYLOAD,
        .window = FW_WINDOW,
        .reset_reason = (uint8_t)hal_last_reset(board->hal),
        .boot_session = board->link.session,
        .program_capacity = OBJECTS_PROGRAM_CAPACITY,
        .working_capacity = INFERENCE_WORKING_CAPACITY,
        .row_millivolts = FW_LIMIT_ROW_MILLIVOLTS,
        .gate_millivolts = FW_LIMIT_GATE_MILLIVOLTS,
        .pulses_per_cell = FW_LIMIT_PULSES_PER_CELL,
        .pulse_microseconds = FW_LIMIT_PULSE_MICROSECONDS,
        .pulse_nanojoules = FW_LIMIT_PULSE_NANOJOULES,
        .silence_milliseconds = FW_LIMIT_SILENCE_MILLISECONDS,
    };
    fw_pack_identify_answer(&answer, reply->payload);
    memcpy(reply->payload + FW_IDENTIFY_ANSWER_SIZE, FW_BOARD_NAME, sizeof FW_BOARD_NAME - 1);
    reply->size = FW_IDENTIFY_ANSWER_SIZE + sizeof FW_BOARD_NAME - 1;
    return FX_OK;
}

static fx_status handle_open_session(firmware *board, const uint8_t *payload, size_t size, link_reply *reply) {
    (void)size;
    fw_open_session_request request;
    fw_unpack_open_session_request(&request, payload);
    if (request.session == 0)
        return FX_ERROR_ARGUMENT;
    fw_open_session_answer answer = {.next_request = link_open_session(&board->link, request.session)};
    fw_pack_open_session_answer(&answer, reply->payload);
    reply->size = FW_OPEN_SESSION_ANSWER_SIZE;
    return FX_OK;
}

static fx_status handle_keep_alive(firmware *board, const uint8_t *payload, size_t size, link_reply *reply) {
    (void)payload;
    (void)size;
    fw_keep_alive_answer answer = {.uptime_ms = safety_uptime_milliseconds(&board->safety)};
    fw_pack_keep_alive_answer(&answer, reply->payload);
    reply->size = FW_KEEP_ALIVE_ANSWER_SIZE;
    return FX_OK;
}

static fx_status handle_snapshot(firmware *board, const uint8_t *payload, size_t size, link_reply *reply) {
    (void)payload;
    (void)size;
    const front_end *front = &board->front_end;
    fw_snapshot_answer answer = {
        .uptime_ms = safety_uptime_milliseconds(&board->safety),
        .frames = board->link.frames,
        .bad_frames = board->link.bad_frames,
        .replays = board->link.replays,
        .pulses = front->pulses,
        .conversions = front->conversions,
        .dac_echo_errors = front->dac_echo_errors,
        .adc_crc_errors = front_end_adc_crc_errors(front),
        .adc_clipped = front->adc_clipped,
        .idles = board->safety.idles,
        .safe_idle = board->safety.idle,
        .campaign_state = board->campaign.state,
        .program_crc = objects_crc(&board->objects.program),
        .target_crc = objects_crc(&board->objects.target),
    };
    fw_pack_snapshot_answer(&answer, reply->payload);
    reply->size = FW_SNAPSHOT_ANSWER_SIZE;
    return FX_OK;
}

static fx_status handle_object_begin(firmware *board, const uint8_t *payload, size_t size, link_reply *reply) {
    (void)size;
    fw_object_begin_request request;
    fw_object_begin_answer answer = {0};
    fw_unpack_object_begin_request(&request, payload);
    fx_status status = objects_begin(board, &request, &answer.offset, &reply->detail);
    fw_pack_object_begin_answer(&answer, reply->payload);
    reply->size = FW_OBJECT_BEGIN_ANSWER_SIZE;
    return status;
}

static fx_status handle_object_write(firmware *board, const uint8_t *payload, size_t size, link_reply *reply) {
    fw_object_write_request request;
    fw_object_write_answer answer = {0};
    fw_unpack_object_write_request(&request, payload);
    fx_status status = objects_write(board, &request, payload + FW_OBJECT_WRITE_REQUEST_SIZE,
                                     size - FW_OBJECT_WRITE_REQUEST_SIZE, &answer.offset);
    fw_pack_object_write_answer(&answer, reply->payload);
    reply->size = FW_OBJECT_WRITE_ANSWER_SIZE;
    return status;
}

static fx_status handle_object_finish(firmware *board, const uint8_t *payload, size_t size, link_reply *reply) {
    (void)size;
    fw_object_finish_request request;
    fw_object_finish_answer answer = {0};
    fw_unpack_object_finish_request(&request, payload);
    fx_status status = objects_finish(board, request.object, &answer.crc, &reply->detail);
    fw_pack_object_finish_answer(&answer, reply->payload);
    reply->size = FW_OBJECT_FINISH_ANSWER_SIZE;
    return status;
}

static fx_status read_rows(firmware *board, const fw_read_conductance_request *request, link_reply *reply) {
    fx_status status = FX_OK;
    for (unsigned i = 0; i < request->rows && status == FX_OK; i++) {
        int16_t rows[FW_ROWS] = {0};
        int16_t columns[FW_COLUMNS];
        rows[request->row + i] = READ_CODE;
        status = front_end_convert(&board->front_end, request->range, request->log2_reads, rows, columns);
        put_codes(reply, columns, FW_COLUMNS);
    }
    return leave_array(board, status, reply);
}

static fx_status handle_read_conductance(firmware *board, const uint8_t *payload, size_t size, link_reply *reply) {
    (void)size;
    fw_read_conductance_request request;
    fw_unpack_read_conductance_request(&request, payload);
    if (request.range >= FW_RANGE_COUNT)
        return out_of_range(reply, request.range);
    if (request.row >= FW_ROWS || request.rows > FW_ROWS - request.row)
        return out_of_range(reply, request.row);
    if (request.rows == 0 || request.rows > LARGEST_ROWS || request.log2_reads > LARGEST_LOG2_READS)
        return FX_ERROR_ARGUMENT;
    fx_status status = take_array(board);
    return status == FX_OK ? read_rows(board, &request, reply) : status;
}

static fx_status handle_multiply(firmware *board, const uint8_t *payload, size_t size, link_reply *reply) {
    fw_multiply_request request;
    fw_unpack_multiply_request(&request, payload);
    if (size != FW_MULTIPLY_REQUEST_SIZE + 2 * FW_ROWS)
        return FX_ERROR_FRAME_LENGTH;
    if (request.range >= FW_RANGE_COUNT)
        return out_of_range(reply, request.range);
    fx_status status = take_array(board);
    if (status != FX_OK)
        return status;
    int16_t rows[FW_ROWS];
    int16_t columns[FW_COLUMNS];
    for (unsigned row = 0; row < FW_ROWS; row++)
        rows[row] = fw_get_i16(payload + FW_MULTIPLY_REQUEST_SIZE + 2 * row);
    status = front_end_convert(&board->front_end, request.range, 0, rows, columns);
    front_end_count_clipped(&board->front_end, columns, FW_COLUMNS);
    put_codes(reply, columns, FW_COLUMNS);
    return leave_array(board, status, reply);
}

static fx_status handle_pulse(firmware *board, const uint8_t *payload, size_t size, link_reply *reply) {
    fw_pulse_request request;
    uint16_t gates[FW_COLUMNS];
    fw_unpack_pulse_request(&request, payload);
    if (size != FW_PULSE_REQUEST_SIZE + sizeof gates)
        return FX_ERROR_FRAME_LENGTH;
    for (unsigned column = 0; column < FW_COLUMNS; column++)
        gates[column] = fw_get_u16(payload + FW_PULSE_REQUEST_SIZE + 2 * column);
    fx_status status = take_array(board);
    if (status == FX_OK)
        status = limits_pulse(&board->limits, &board->front_end, request.row, request.millivolts, request.microseconds,
                              gates, &reply->detail);
    fw_pulse_answer answer = {.pulses = board->front_end.pulses};
    fw_pack_pulse_answer(&answer, reply->payload);
    reply->size = FW_PULSE_ANSWER_SIZE;
    return status;
}

static fx_status handle_campaign_scheme(firmware *board, const uint8_t *payload, size_t size, link_reply *reply) {
    (void)size;
    return campaign_take_scheme(board, payload, &reply->detail);
}

static fx_status handle_campaign_start(firmware *board, const uint8_t *payload, size_t size, link_reply *reply) {
    (void)size;
    fw_campaign_start_request request;
    bool resumed = false;
    fw_unpack_campaign_start_request(&request, payload);
    fx_status status = campaign_start(board, request.target_crc, &resumed);
    if (status == FX_OK)
        board->safety.idle = false;
    fw_campaign_start_answer answer = {.resumed = resumed};
    fw_pack_campaign_start_answer(&answer, reply->payload);
    reply->size = FW_CAMPAIGN_START_ANSWER_SIZE;
    return status;
}

static fx_status handle_campaign_status(firmware *board, const uint8_t *payload, size_t size, link_reply *reply) {
    (void)payload;
    (void)size;
    const campaign_state *campaign = &board->campaign;
    fw_campaign_status_answer answer = {
        .state = campaign->state,
        .status = (uint16_t)campaign->status,
        .cells = campaign->cell_count,
        .in_tolerance = campaign->in_tolerance,
        .gave_up = campaign->gave_up,
        .pulses = campaign->pulses,
        .target_crc = campaign->target_crc,
    };
    fw_pack_campaign_status_answer(&answer, reply->payload);
    reply->size = FW_CAMPAIGN_STATUS_ANSWER_SIZE;
    return FX_OK;
}

static fx_status handle_campaign_stop(firmware *board, const uint8_t *payload, size_t size, link_reply *reply) {
    (void)payload;
    (void)size;
    bool running = board->campaign.state == FW_CAMPAIGN_RUNNING;
    campaign_end(board, FW_CAMPAIGN_STOPPED, FX_OK);
    return running ? leave_array(board, FX_OK, reply) : FX_OK;
}

static fx_status handle_campaign_cells(firmware *board, const uint8_t *payload, size_t size, link_reply *reply) {
    (void)size;
    fw_campaign_cells_request request;
    fw_unpack_campaign_cells_request(&request, payload);
    if (request.row >= FW_ROWS)
        return out_of_range(reply, request.row);
    for (unsigned column = 0; column < FW_COLUMNS; column++) {
        const campaign_cell *cell = &board->campaign.cells[request.row][column];
        fw_cell_state record = {cell->state, cell->cycles, board->limits.pulses[request.row][column], cell->code,
                                cell->gate};
        fw_pack_cell_state(&record, reply->payload + reply->size);
        reply->size += FW_CELL_STATE_SIZE;
    }
    return FX_OK;
}

static fx_status handle_run(firmware *board, const uint8_t *payload, size_t size, link_reply *reply) {
    fw_run_request request;
    fw_unpack_run_request(&request, payload);
    fx_status status = (request.flags & FW_RUN_ON_ARRAY) != 0 ? take_array(board) : FX_OK;
    if (status == FX_OK)
        status = inference_run(board, request.flags, payload + FW_RUN_REQUEST_SIZE, size - FW_RUN_REQUEST_SIZE,
                               reply->payload, &reply->size);
    reply->detail = board->front_end.detail;
    return status;
}

static fx_status handle_selftest(firmware *board, const uint8_t *payload, size_t size, link_reply *reply) {
    (void)payload;
    (void)size;
    fx_status status = take_array(board);
    if (status != FX_OK)
        return status;
    front_end_rest(&board->front_end);
    for (unsigned chip = 0; chip < FRONT_END_CHIPS; chip++) {
        fw_chip_result record = front_end_selftest(&board->front_end, chip);
        fw_pack_chip_result(&record, reply->payload + reply->size);
        reply->size += FW_CHIP_RESULT_SIZE;
    }
    return FX_OK;
}

static fx_status handle_safe_idle(firmware *board, const uint8_t *payload, size_t size, link_reply *reply) {
    (void)payload;
    (void)size;
    campaign_end(board, FW_CAMPAIGN_STOPPED, FX_OK);
    return leave_array(board, FX_OK, reply);
}

typedef struct {
    fx_status (*handle)(firmware *board, const uint8_t *payload, size_t size, link_reply *reply);
    uint16_t size;         /* of the request without its tail */
    uint16_t tail_element; /* bytes, 0: no tail */
    bool sessionless;
} command;

#define COMMAND(NAME, name, code, size, tail, element, sessionless)                                                    \
    [code] = {handle_##name, size, (tail) ? (element) : 0, (sessionless) != 0},
static const command COMMANDS[] = {FW_MESSAGES(COMMAND)};

static const command *find_command(uint8_t message) {
    if (message >= sizeof COMMANDS / sizeof COMMANDS[0] || COMMANDS[message].handle == NULL)
        return NULL;
    return &COMMANDS[message];
}

bool commands_is_sessionless(uint8_t message) {
    const command *found = find_command(message);
    return found != NULL && found->sessionless;
}

fx_status commands_execute(firmware *board, uint8_t message, const uint8_t *payload, size_t size, link_reply *reply) {
    const command *found = find_command(message);
    reply->detail = message;
    if (found == NULL)
        return FX_ERROR_UNKNOWN_MESSAGE;
    size_t tail = size - found->size;
    reply->detail = (int32_t)size;
    if (size < found->size || (found->tail_element == 0 ? tail != 0 : tail % found->tail_element != 0))
        return FX_ERROR_FRAME_LENGTH;
    reply->detail = 0;
    return found->handle(board, payload, size, reply);
}
