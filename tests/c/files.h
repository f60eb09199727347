/* Whole files for the C tests. */
#ifndef FILES_H
#define FILES_H

#include <stdint.h>

#include "check.h"

typedef struct {
    uint8_t *bytes;
    size_t size;
} buffer;

static inline buffer read_file(const char *path) {
    FILE *file = fopen(path, "rb");
    CHECK(file != NULL && fseek(file, 0, SEEK_END) == 0);
    buffer image = {.size = (size_t)ftell(file)};
    rewind(file);
    image.bytes = malloc(image.size);
    CHECK(image.bytes != NULL && fread(image.bytes, 1, image.size, file) == image.size);
    fclose(file);
    return image;
}

#endif
