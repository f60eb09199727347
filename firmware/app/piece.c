/* Timesteps of phases that stream; keeping, sweeping and finishing of those that need their whole sequence.
 * SPDX-License-Identifier: BSD-3-Clause
 */
#include "app/piece.h"

#include <string.h>

#include "app/firmware.h"

static bool has(const piece_state *piece, unsigned flag) {
    return (piece->flags & flag) != 0;
}

static const fx_phase *phase_of(const firmware *board) {
    return &board->inference.executor.phase;
}

static size_t output_size(const fx_phase *phase) {
    return phase->output_length * sizeof(int16_t);
}

static void add_outputs(piece_state *piece, const fx_phase *phase, const int16_t *outputs) {
    if (!has(piece, FW_RUN_SILENT)) {
        memcpy(piece->reply.payload + piece->reply.size, outputs, output_size(phase));
        piece->reply.size += output_size(phase);
    }
}

/* One timestep of a phase that streams. */
static fx_status step(firmware *board, piece_state *piece, const fx_phase *phase) {
    int16_t outputs[FW_MAX_PAYLOAD / 2];
    size_t timestep = piece->done++;
    bool wanted = !phase->returns_last || (has(piece, FW_RUN_LAST_PIECE) && timestep + 1 == piece->timesteps);
    const int16_t *inputs = timestep < piece->given ? piece->codes + timestep * phase->input_length : NULL;
    fx_status status = fx_step(&board->inference.executor, inputs, wanted ? outputs : NULL);
    if (wanted && status == FX_OK) {
        add_outputs(piece, phase, outputs);
    }
    return status;
}

/* One timestep of the last sweep of a phase that does not. */
static fx_status finish(firmware *board, piece_state *piece, const fx_phase *phase) {
    inference_state *inference = &board->inference;
    int16_t outputs[FW_MAX_PAYLOAD / 2];
    size_t timestep = inference->finished++;
    bool wanted = !phase->returns_last || timestep + 1 == inference->kept;
    fx_status status = fx_finish(&inference->executor, timestep, wanted ? outputs : NULL);
    if (wanted && status == FX_OK) {
        add_outputs(piece, phase, outputs);
    }
    return status;
}

static bool answer_is_full(const piece_state *piece, const fx_phase *phase) {
    return !has(piece, FW_RUN_SILENT) && piece->reply.size + output_size(phase) > FW_MAX_PAYLOAD;
}

/* Run the least that can be run; nothing left sets `over`. */
static fx_status advance(firmware *board, piece_state *piece) {
    inference_state *inference = &board->inference;
    const fx_phase *phase = phase_of(board);
    if (phase->streams && piece->done < piece->timesteps) {
        return step(board, piece, phase);
    }
    if (!phase->streams && has(piece, FW_RUN_LAST_PIECE)) {
        if (inference->swept < (phase->sweep_count - 1) * inference->kept) {
            return fx_sweep_step(&inference->executor, inference->kept, inference->swept++);
        }
        if (inference->finished < inference->kept && !answer_is_full(piece, phase)) {
            return finish(board, piece, phase);
        }
    }
    piece->over = true;
    return FX_OK;
}

static int32_t detail_of(const firmware *board, fx_status status) {
    return status == FX_ERROR_SEQUENCE_TOO_LONG ? (int32_t)board->inference.executor.timesteps
                                                : board->front_end.failed_chip;
}

/* Nothing more is to be run: the array comes to rest. */
static void end(firmware *board, fx_status status) {
    piece_state *piece = &board->piece;
    fx_status rest = has(piece, FW_RUN_ON_ARRAY) ? front_end_rest(&board->front_end) : FX_OK;
    piece->over = true;
    piece->status = status == FX_OK ? rest : status;
    piece->reply.detail = detail_of(board, piece->status);
    if (piece->status != FX_OK) {
        board->inference.started = false; /* part of the piece has run: only a new sequence is sure */
    }
}

void piece_cut(firmware *board, fx_status status) {
    if (board->piece.under_way && !board->piece.over) {
        end(board, status);
    }
}

static void run_slice(firmware *board) {
    piece_state *piece = &board->piece;
    uint32_t begun = hal_microseconds(board->hal);
    fx_status status = FX_OK;
    do {
        status = advance(board, piece);
    } while (status == FX_OK && !piece->over && hal_microseconds(board->hal) - begun < PIECE_SLICE_MICROSECONDS);
    if (status != FX_OK || piece->over) {
        end(board, status);
    }
}

bool piece_poll(firmware *board) {
    piece_state *piece = &board->piece;
    if (!piece->under_way) {
        return false;
    }
    if (link_waits_for(&board->link, FW_MESSAGE_SAFE_IDLE)) {
        piece_cut(board, FX_ERROR_SAFE_IDLE);
    }
    if (!piece->over) {
        run_slice(board);
    }
    if (piece->over) {
        piece->under_way = !link_answer_pending(&board->link, piece->status, piece->reply);
    }
    return true;
}

/* Keep the inputs of a phase that does not stream; its first last piece makes the sequence whole. */
static fx_status keep(inference_state *inference, const piece_state *piece) {
    size_t length = inference->executor.phase.input_length;
    if ((inference->whole && piece->timesteps > 0) || (length > 0 && piece->given < piece->timesteps)) {
        return FX_ERROR_ARGUMENT;
    }
    fx_status status = FX_OK;
    for (size_t t = 0; t < piece->timesteps && status == FX_OK; t++) {
        status = fx_keep(&inference->executor, inference->kept, piece->codes + t * length);
        inference->kept += status == FX_OK;
    }
    inference->whole = inference->whole || has(piece, FW_RUN_LAST_PIECE);
    return status;
}

/* The timesteps that `size` bytes of codes are; FX_ERROR_FRAME_LENGTH when they are no whole number of them, or what is
 * answered would not fit a frame. */
static fx_status count_timesteps(const fx_phase *phase, const fw_run_request *request, size_t size,
                                 piece_state *piece) {
    size_t input_size = phase->input_length * sizeof(int16_t);
    if (output_size(phase) > FW_MAX_PAYLOAD || size > sizeof piece->codes ||
        (input_size == 0 ? size != 0 : size % input_size != 0)) {
        return FX_ERROR_FRAME_LENGTH;
    }
    piece->given = input_size == 0 ? 0 : size / input_size;
    piece->timesteps = piece->given + request->further;
    size_t vectors = phase->returns_last || !phase->streams ? 1 : piece->timesteps;
    bool fits =
        has(piece, FW_RUN_SILENT) || vectors <= FW_MAX_PAYLOAD / (output_size(phase) + (output_size(phase) == 0));
    return fits ? FX_OK : FX_ERROR_FRAME_LENGTH;
}

/* Begin the sequence or the phase that the flags ask for. */
static fx_status start(firmware *board, const fw_run_request *request) {
    inference_state *inference = &board->inference;
    bool on_array = (request->flags & FW_RUN_ON_ARRAY) != 0;
    fx_status status = FX_OK;
    if (!inference->open) {
        return FX_ERROR_NO_PROGRAM;
    }
    if ((request->flags & FW_RUN_RESET) != 0) {
        status = inference_start(board, on_array);
    }
    if (status == FX_OK && (!inference->started || inference->on_array != on_array)) {
        return FX_ERROR_ARGUMENT;
    }
    return status == FX_OK && (request->flags & FW_RUN_SELECT) != 0 ? inference_select(inference, request->phase)
                                                                    : status;
}

fx_status piece_begin(firmware *board, const fw_run_request *request, const uint8_t *codes, size_t size,
                      link_reply *reply) {
    piece_state *piece = &board->piece;
    fx_status status = start(board, request);
    if (status != FX_OK) {
        return status;
    }
    piece->flags = request->flags;
    status = count_timesteps(phase_of(board), request, size, piece);
    if (status != FX_OK) {
        return status;
    }
    memcpy(piece->codes, codes, size);
    piece->done = 0;
    status = phase_of(board)->streams ? FX_OK : keep(&board->inference, piece);
    if (status != FX_OK) {
        board->inference.started = false; /* part of the piece is kept: only a new sequence is sure */
        reply->detail = detail_of(board, status);
        return status;
    }
    piece->under_way = true;
    piece->over = false;
    piece->reply = *reply;
    reply->later = true;
    return FX_OK;
}
