/* Packs a matrix: its rows in stages and groups, its columns in chunks, its weights as the kernels' dot products want them. */
#include "pack.h"

#include <string.h>

#include "../arithmetic.h"
#include "scales.h"
#include "weights.h"

#define GROUP_ROWS 4u
#define MOST_ROWS 32768u    /* 2 * 255 * 128 * rows stays below 2^31: the sums of bytes */
#define PIECE_BYTES 262144u /* of weights: a part of the second cache of today's processors */

void *fx_take(fx_pieces *pieces, uint64_t size) {
    void *piece = pieces->start == NULL ? NULL : pieces->start + pieces->used;
    pieces->used += (size + FX_PLAN_ALIGNMENT - 1) / FX_PLAN_ALIGNMENT * FX_PLAN_ALIGNMENT;
    return piece;
}

/* ---- stages: rows whose sums are converted together */

/* Rows of the stage that begins at a row: of the tiles there, if they all end at the same; else 0. */
static uint32_t stage_rows(const fx_program *program, const fx_matrix *matrix, uint32_t row) {
    if (program->header->adc_bits == 0) {
        return matrix->rows;
    }
    uint32_t rows = 0;
    for (uint32_t column = 0; column < matrix->columns;) {
        const fx_tile *tile = tile_at(program, matrix, row, column);
        if (tile == NULL || (rows != 0 && tile->rows != rows)) {
            return 0;
        }
        rows = tile->rows;
        column = tile->column + tile->columns;
    }
    return rows;
}

/* Number of stages; 0 where tiles do not stand in rows. */
static uint32_t count_stages(const fx_program *program, const fx_matrix *matrix) {
    uint32_t count = 0, row = 0;
    while (row < matrix->rows) {
        uint32_t rows = stage_rows(program, matrix, row);
        if (rows == 0) {
            return 0;
        }
        row += rows;
        count++;
    }
    return count;
}

static bool is_wide(const fx_program *program, const fx_matrix *matrix, uint32_t row, uint32_t rows) {
    for (uint32_t column = 0; column < matrix->columns; column++) {
        if (magnitude_of(program, matrix, row, rows, column) * FX_LARGEST_ROW_CODE > INT32_MAX) {
            return true;
        }
    }
    return false;
}

/* Add a segment to a stage. */
static void add_segment(fx_packed *packed, fx_stage *stage, uint32_t row, uint32_t rows) {
    const uint32_t filled_rows = packed->filled_to * GROUP_ROWS;
    uint32_t groups = (rows + filled_rows - 1) / filled_rows * packed->filled_to;
    if (packed->segments != NULL) {
        packed->segments[packed->segment_count] = (fx_segment){row, rows, packed->groups, groups};
    }
    stage->end = packed->groups + (rows + GROUP_ROWS - 1) / GROUP_ROWS;
    packed->segment_count++;
    packed->groups += groups;
    stage->segments++;
    stage->groups += groups;
}

/* Lay out stages and segments; counts always, records where there is memory for them. Returns whether any is wide. */
static bool lay_out_rows(fx_packed *packed, const fx_program *program, const fx_matrix *matrix, uint32_t leading) {
    bool any_wide = false;
    uint32_t row = 0;
    packed->segment_count = packed->groups = 0;
    for (uint32_t i = 0; i < packed->stage_count; i++) {
        uint32_t rows = stage_rows(program, matrix, row);
        fx_stage stage = {.first_group = packed->groups, .wide = is_wide(program, matrix, row, rows)};
        uint32_t own = i == 0 && leading < rows ? leading : 0;
        if (own > 0) {
            add_segment(packed, &stage, row, own);
            packed->ahead_groups = packed->groups;
            packed->ahead_end = stage.end;
        }
        add_segment(packed, &stage, row + own, rows - own);
        any_wide = any_wide || stage.wide;
        if (packed->stages != NULL) {
            packed->stages[i] = stage;
        }
        row += rows;
    }
    return any_wide;
}

/* ---- weights */

/* Where the weights of a group of a chunk begin, in bytes from the chunk's. */
static size_t group_start(fx_form form, uint32_t group) {
    return (size_t)group * GROUP_ROWS * FX_LANES * (form == FX_WORDS || form == FX_SPLIT ? 2 : 1);
}

/* Put the weight of one row of a group and a column of a chunk at its place. */
static void put_weight(int8_t *group, fx_form form, uint32_t row, uint32_t column, int32_t weight) {
    uint32_t lane = lane_of(column), in_pairs = row / 2 * 2 * FX_LANES + lane * 2 + row % 2;
    if (form == FX_WORDS) {
        int16_t word = (int16_t)weight;
        memcpy(group + in_pairs * sizeof word, &word, sizeof word);
        return;
    }
    uint32_t place = form == FX_NARROW_WORDS ? in_pairs : lane * GROUP_ROWS + row;
    if (form != FX_SPLIT) {
        group[place] = (int8_t)weight;
        return;
    }
    fx_planes planes = planes_of(weight);
    group[place] = planes.low;
    group[GROUP_ROWS * FX_LANES + place] = planes.high;
}

/* Put a segment's weights of a chunk's columns among zeros. */
static void pack_segment(fx_packed *packed, const fx_program *program, const fx_matrix *matrix, uint32_t chunk,
                         const fx_segment *segment) {
    const uint32_t first = chunk * FX_LANES, left = matrix->columns - first;
    for (uint32_t i = 0; i < segment->rows; i++) {
        int8_t *group = packed->weights + chunk * packed->chunk_bytes +
                        group_start(packed->form, segment->first_group + i / GROUP_ROWS);
        for (uint32_t lane = 0; lane < FX_LANES && lane < left; lane++) {
            put_weight(group, packed->form, i % GROUP_ROWS, lane,
                       weight_at(program, matrix, segment->row + i, first + lane));
        }
    }
}

static void fill(fx_packed *packed, const fx_program *program, const fx_matrix *matrix) {
    memset(packed->weights, 0, packed->chunks * packed->chunk_bytes);
    for (uint32_t chunk = 0; chunk < packed->chunks; chunk++) {
        for (uint32_t i = 0; i < packed->segment_count; i++) {
            pack_segment(packed, program, matrix, chunk, packed->segments + i);
        }
    }
    fx_fill_scales(packed, program, matrix);
    fx_fill_stages(packed, program, matrix);
}

/* As many chunks as PIECE_BYTES hold. */
static uint32_t piece_of(const fx_packed *packed) {
    const uint64_t chunks = PIECE_BYTES / packed->chunk_bytes / FX_TAKEN_TOGETHER * FX_TAKEN_TOGETHER;
    return chunks == 0 ? FX_TAKEN_TOGETHER : (uint32_t)chunks;
}

/* `wide`: 32 bits do not hold every sum. */
static fx_form form_of(const fx_header *header, const struct fx_planning *planning, bool wide) {
    if (header->weight_bits == 8) {
        return !planning->bytes ? FX_NARROW_WORDS : header->dac_bits <= 8 ? FX_TOP : FX_BYTES;
    }
    return planning->tiles || (planning->bytes && wide) ? FX_SPLIT : FX_WORDS;
}

void fx_pack(fx_packed *packed, const fx_program *program, const fx_matrix *matrix, const struct fx_planning *planning,
             uint32_t leading, fx_pieces *pieces) {
    uint32_t bits = program->header->adc_bits;
    *packed = (fx_packed){.columns = matrix->columns, .chunks = (matrix->columns + FX_LANES - 1) / FX_LANES};
    bool column_pairs = bits != 0 && program->header->pairing == FX_PAIRING_COLUMNS; /* column_pairs.c has them */
    packed->stage_count = matrix->rows <= MOST_ROWS && !column_pairs ? count_stages(program, matrix) : 0;
    packed->filled_to = planning->tiles ? FX_TILE : 1;
    packed->adc_highest = bits == 0 ? 0 : ((int64_t)1 << (bits - 1)) - 1;
    bool wide = lay_out_rows(packed, program, matrix, leading);
    packed->planned = packed->stage_count > 0;
    if (!packed->planned) {
        return;
    }
    packed->form = form_of(program->header, planning, wide);
    packed->safe_pairs = wide ? INT32_MAX / FX_LARGEST_ROW_CODE / (2 * (program->header->levels - 1)) : UINT32_MAX;
    packed->chunk_bytes = group_start(packed->form, packed->groups);
    packed->piece = piece_of(packed);
    packed->stages = fx_take(pieces, packed->stage_count * sizeof *packed->stages);
    packed->segments = fx_take(pieces, packed->segment_count * sizeof *packed->segments);
    packed->weights = fx_take(pieces, packed->chunks * (uint64_t)packed->chunk_bytes);
    packed->scales = fx_take(pieces, packed->chunks * (uint64_t)sizeof *packed->scales);
    if (fx_scales_are_high(packed, program, matrix, wide)) {
        packed->high = fx_take(pieces, packed->chunks * (uint64_t)sizeof *packed->high);
    }
    packed->lanes = fx_take(pieces, packed->chunks * (uint64_t)packed->stage_count * sizeof *packed->lanes);
    if (pieces->start != NULL) {
        (void)lay_out_rows(packed, program, matrix, leading);
        fill(packed, program, matrix);
    }
}

fx_packed fx_packed_chunks(const fx_packed *packed, uint32_t first, uint32_t end) {
    fx_packed own = *packed;
    own.chunks = end - first;
    own.columns = (end == packed->chunks ? packed->columns : end * FX_LANES) - first * FX_LANES;
    own.weights += first * packed->chunk_bytes;
    own.lanes += (size_t)first * packed->stage_count;
    own.scales += first;
    own.high = packed->high == NULL ? NULL : packed->high + first;
    return own;
}

uint64_t fx_multiplications(const fx_packed *packed, uint32_t groups) {
    return (uint64_t)groups * GROUP_ROWS * packed->columns;
}
