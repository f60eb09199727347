/* AMX tiles in plain C, for processors without: what Intel's manual says of LDTILECFG, TILEZERO, TILELOADD, TDPBUSD, TILESTORED
 * and TILERELEASE with palette 1; every thread has tiles of its own. What a processor would refuse with an exception ends the
 * program, and so does a configuration that its thread has not released before the next.
 */
#include <stdatomic.h>
#include <string.h>

#include "check.h"
#include "host/amx_tiles.h"
#include "tile_model.h"

typedef struct {
    uint32_t rows;
    uint32_t row_bytes;
    uint8_t bytes[TILE_ROWS][TILE_BYTES];
} model_tile;

static _Thread_local bool configured;
static _Thread_local model_tile tiles[TILES];
static atomic_ulong dots;

static model_tile *tile_at(unsigned tile) {
    CHECK(configured && tile < TILES && tiles[tile].rows > 0);
    return tiles + tile;
}

void tile_configure(const tile_configuration *configuration) {
    static const uint8_t zeros[14] = {0};
    CHECK(!configured && configuration->palette == 1 && configuration->start_row == 0);
    CHECK(memcmp(configuration->reserved, zeros, sizeof zeros) == 0);
    memset(tiles, 0, sizeof tiles);
    for (unsigned i = 0; i < 16; i++) {
        uint32_t rows = configuration->rows[i], row_bytes = configuration->row_bytes[i];
        CHECK(rows <= TILE_ROWS && row_bytes <= TILE_BYTES && (rows == 0) == (row_bytes == 0));
        CHECK(i < TILES || rows == 0);
        if (i < TILES) {
            tiles[i].rows = rows;
            tiles[i].row_bytes = row_bytes;
        }
    }
    configured = true;
}

void tile_zero(unsigned tile) {
    memset(tile_at(tile)->bytes, 0, sizeof tiles->bytes);
}

void tile_load(unsigned tile, const void *rows, size_t stride) {
    model_tile *to = tile_at(tile);
    memset(to->bytes, 0, sizeof to->bytes);
    for (uint32_t row = 0; row < to->rows; row++) {
        memcpy(to->bytes[row], (const uint8_t *)rows + row * stride, to->row_bytes);
    }
}

void tile_store(unsigned tile, void *rows, size_t stride) {
    const model_tile *from = tile_at(tile);
    for (uint32_t row = 0; row < from->rows; row++) {
        memcpy((uint8_t *)rows + row * stride, from->bytes[row], from->row_bytes);
    }
}

/* The dot product of four unsigned and four signed bytes. */
static int32_t dot(const uint8_t *unsigned_bytes, const uint8_t *signed_bytes) {
    int32_t sum = 0;
    for (int i = 0; i < 4; i++) {
        sum += unsigned_bytes[i] * (int8_t)signed_bytes[i];
    }
    return sum;
}

static void add(uint8_t *lane, int32_t value) {
    uint32_t sum;
    memcpy(&sum, lane, sizeof sum);
    sum += (uint32_t)value;
    memcpy(lane, &sum, sizeof sum);
}

void tile_dot(unsigned sums, unsigned a, unsigned b) {
    model_tile *to = tile_at(sums);
    const model_tile *left = tile_at(a), *right = tile_at(b);
    CHECK(sums != a && sums != b && a != b);
    CHECK(to->rows == left->rows && to->row_bytes == right->row_bytes && left->row_bytes == 4 * right->rows);
    CHECK(to->row_bytes % 4 == 0 && left->row_bytes % 4 == 0);
    for (uint32_t m = 0; m < to->rows; m++) {
        for (uint32_t k = 0; k < right->rows; k++) {
            for (uint32_t n = 0; n < to->row_bytes; n += 4) {
                add(to->bytes[m] + n, dot(left->bytes[m] + 4 * k, right->bytes[k] + n));
            }
        }
    }
    dots++;
}

void tile_release(void) {
    configured = false;
    memset(tiles, 0, sizeof tiles);
}

unsigned long tile_dots(void) {
    return dots;
}

bool tiles_are_released(void) {
    return !configured;
}
