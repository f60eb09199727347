/* Consistent overhead byte stuffing: frames without zero bytes, at most one byte more per 254. */
#include "fxlstm.h"

#define LONGEST_BLOCK 254u /* data bytes that one block code can announce */

size_t fx_cobs_bound(size_t size) {
    return size + size / LONGEST_BLOCK + 1;
}

size_t fx_cobs_encode(const uint8_t *bytes, size_t size, uint8_t *out) {
    size_t code_at = 0;
    size_t written = 1;
    for (size_t i = 0; i < size; i++) {
        if (written - code_at > LONGEST_BLOCK) {
            out[code_at] = LONGEST_BLOCK + 1;
            code_at = written++;
        }
        if (bytes[i] != 0) {
            out[written++] = bytes[i];
        } else {
            out[code_at] = (uint8_t)(written - code_at);
            code_at = written++;
        }
    }
    out[code_at] = (uint8_t)(written - code_at);
    return written;
}

fx_status fx_cobs_decode(const uint8_t *bytes, size_t size, uint8_t *out, size_t *written) {
    size_t at = 0;
    size_t length = 0;
    while (at < size) {
        uint8_t code = bytes[at++];
        if (code == 0 || code - 1u > size - at) {
            return FX_ERROR_FRAME_COBS;
        }
        for (uint8_t i = 1; i < code; i++) {
            if (bytes[at] == 0) {
                return FX_ERROR_FRAME_COBS;
            }
            out[length++] = bytes[at++];
        }
        if (code <= LONGEST_BLOCK && at < size) {
            out[length++] = 0;
        }
    }
    *written = length;
    return size == 0 ? FX_ERROR_FRAME_COBS : FX_OK;
}
