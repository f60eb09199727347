/* Values to codes and back, in loops that compilers turn into vectors. */
#include "formats.h"

#include "../arithmetic.h"

/* Limited to what converts to a code, NaN to the upper end. */
static double within_codes(double value) {
    return value < INT16_MAX ? (value > INT16_MIN ? value : INT16_MIN) : INT16_MAX;
}

bool fx_encode(const double *values, size_t count, double factor, int16_t *codes) {
    int32_t odd = 0;
    for (size_t i = 0; i < count; i++) {
        double value = within_codes(values[i] * factor + 0.5);
        int32_t towards_zero = (int32_t)value;
        int32_t code = towards_zero - (towards_zero > value);
        codes[i] = (int16_t)(code < -FX_LARGEST_ROW_CODE ? -FX_LARGEST_ROW_CODE : code);
        odd |= values[i] - values[i] != 0; /* of NaN and infinity it is NaN */
    }
    return odd == 0;
}

void fx_decode(const int16_t *codes, size_t count, double unit, double *values) {
    for (size_t i = 0; i < count; i++) {
        values[i] = codes[i] * unit;
    }
}
