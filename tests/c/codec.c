/* CRC-32 and COBS against published answers, and COBS under random bytes. Buffers have their exact size, for the
 * sanitizer. */
#include <string.h>

#include "check.h"
#include "fxlstm.h"
#include "generator.h"

static uint8_t *copy_of(const uint8_t *bytes, size_t size) {
    uint8_t *copy = malloc(size + !size);
    CHECK(copy != NULL);
    memcpy(copy, bytes, size);
    return copy;
}

static void crc_equals_the_published_check_value(void) {
    CHECK(fx_crc32(0, "123456789", 9) == 0xCBF43926u);
    CHECK(fx_crc32(0, "", 0) == 0);
    CHECK(fx_crc32(fx_crc32(0, "1234", 4), "56789", 5) == 0xCBF43926u);
}

/* Encode `size` bytes, compare with `expected`, decode again into a buffer of the encoded size and in place. */
static void cobs_pair(const uint8_t *bytes, size_t size, const uint8_t *expected, size_t expected_size) {
    uint8_t *encoded = malloc(fx_cobs_bound(size));
    CHECK(encoded != NULL);
    size_t encoded_size = fx_cobs_encode(bytes, size, encoded);
    CHECK(encoded_size <= fx_cobs_bound(size));
    CHECK(memchr(encoded, 0, encoded_size) == NULL);
    CHECK(expected == NULL || (encoded_size == expected_size && memcmp(encoded, expected, expected_size) == 0));
    uint8_t *in_place = copy_of(encoded, encoded_size);
    size_t written = SIZE_MAX;
    CHECK(fx_cobs_decode(in_place, encoded_size, in_place, &written) == FX_OK);
    CHECK(written == size && memcmp(in_place, bytes, size) == 0);
    free(in_place);
    free(encoded);
}

/* The examples of Cheshire and Baker's definition as Wikipedia lists them, without the delimiter. */
static void cobs_equals_the_published_examples(void) {
    uint8_t run[255], expected[258];
    cobs_pair((const uint8_t *)"", 0, (const uint8_t *)"\x01", 1);
    cobs_pair((const uint8_t *)"\0", 1, (const uint8_t *)"\x01\x01", 2);
    cobs_pair((const uint8_t *)"\0\0", 2, (const uint8_t *)"\x01\x01\x01", 3);
    cobs_pair((const uint8_t *)"\0\x11\0", 3, (const uint8_t *)"\x01\x02\x11\x01", 4);
    cobs_pair((const uint8_t *)"\x11\x22\0\x33", 4, (const uint8_t *)"\x03\x11\x22\x02\x33", 5);
    cobs_pair((const uint8_t *)"\x11\x22\x33\x44", 4, (const uint8_t *)"\x05\x11\x22\x33\x44", 5);
    cobs_pair((const uint8_t *)"\x11\0\0\0", 4, (const uint8_t *)"\x02\x11\x01\x01\x01", 5);
    for (size_t i = 0; i < sizeof run; i++) {
        run[i] = (uint8_t)(i + 1);
    }
    expected[0] = 0xFF; /* 01 02 .. FE */
    memcpy(expected + 1, run, 254);
    cobs_pair(run, 254, expected, 255);
    expected[255] = 0x02; /* 01 02 .. FF */
    expected[256] = 0xFF;
    cobs_pair(run, 255, expected, 257);
}

static void cobs_brings_back_random_bytes(generator *random) {
    uint8_t bytes[1100];
    for (int i = 0; i < 20000; i++) {
        size_t size = below(random, sizeof bytes + 1), zeros = below(random, 400) + 1;
        for (size_t j = 0; j < size; j++) {
            bytes[j] = below(random, zeros) == 0 ? 0 : (uint8_t)(below(random, 255) + 1);
        }
        cobs_pair(bytes, size, NULL, 0);
    }
}

static void cobs_decodes_garbage_inside_its_buffers(generator *random) {
    size_t refused = 0;
    for (int i = 0; i < 200000; i++) {
        size_t size = below(random, 40);
        uint8_t bytes[40];
        for (size_t j = 0; j < size; j++) {
            bytes[j] = (uint8_t)below(random, below(random, 2) ? 256 : 12);
        }
        uint8_t *encoded = copy_of(bytes, size), *out = malloc(size + !size);
        size_t written = 0;
        fx_status status = fx_cobs_decode(encoded, size, out, &written);
        CHECK(status == FX_ERROR_FRAME_COBS || (status == FX_OK && written < size));
        refused += status != FX_OK;
        free(encoded);
        free(out);
    }
    CHECK(refused > 1000 && refused < 199000);
}

int main(void) {
    generator random = {.state = 1};
    crc_equals_the_published_check_value();
    cobs_equals_the_published_examples();
    cobs_brings_back_random_bytes(&random);
    cobs_decodes_garbage_inside_its_buffers(&random);
    return EXIT_SUCCESS;
}
