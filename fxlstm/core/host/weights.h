/* What packing asks of a matrix in an image, and how its columns stand in a chunk. Internal to the core. */
#ifndef FX_WEIGHTS_H
#define FX_WEIGHTS_H

#include "plan.h"

#define WEIGHT_OFFSET 128 /* planes of bytes hold weight - 2^7, which has a high byte for all of -32767..32767 */

static inline int32_t weight_at(const fx_program *program, const fx_matrix *matrix, uint32_t row, uint32_t column) {
    size_t index = matrix->weights + (size_t)column * matrix->stride + row;
    return program->header->weight_bits == 8 ? ((const int8_t *)program->weights)[index]
                                             : ((const int16_t *)program->weights)[index];
}

/* The sum of a column's absolute weights in some rows. */
static inline uint64_t magnitude_of(const fx_program *program, const fx_matrix *matrix, uint32_t row, uint32_t rows,
                                    uint32_t column) {
    uint64_t sum = 0;
    for (uint32_t i = 0; i < rows; i++) {
        int32_t weight = weight_at(program, matrix, row + i, column);
        sum += (uint64_t)(weight < 0 ? -weight : weight);
    }
    return sum;
}

/* The tile of a column that begins at a row, or NULL. */
static inline const fx_tile *tile_at(const fx_program *program, const fx_matrix *matrix, uint32_t row,
                                     uint32_t column) {
    const fx_tile *tiles = program->tiles + matrix->tiles;
    for (uint32_t i = 0; i < matrix->tile_count; i++) {
        if (tiles[i].row == row && column - tiles[i].column < tiles[i].columns && column >= tiles[i].column) {
            return tiles + i;
        }
    }
    return NULL;
}

/* The lane of a chunk in which a column of it stands. */
static inline uint32_t lane_of(uint32_t column) {
    return 2 * (column % (FX_LANES / 2)) + column / (FX_LANES / 2);
}

/* A 16-bit weight as 256 high + low + WEIGHT_OFFSET. */
typedef struct {
    int8_t low;
    int8_t high;
} fx_planes;

static inline fx_planes planes_of(int32_t weight) {
    int32_t rest = weight - WEIGHT_OFFSET;
    int8_t low = (int8_t)(uint8_t)((uint32_t)rest & 0xFFu);
    return (fx_planes){low, (int8_t)((rest - low) / 256)};
}

#endif
