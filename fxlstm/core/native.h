/* An array that multiplies for the executor's binding without asking Python: it knows a program's tiles by their index.
 */
#ifndef FX_NATIVE_H
#define FX_NATIVE_H

#include "fxlstm.h"

#define FX_NATIVE "fxlstm.native" /* name of the PyCapsule that an array's native() returns; it points to this: */

/* As fx_array, but for `tile`, an index among the program's tiles. Any thread may call it. */
typedef struct {
    void *context;
    fx_status (*multiply)(void *context, size_t tile, uint32_t count, const int16_t *rows, size_t row_stride,
                          int16_t *columns, size_t column_stride);
} fx_native;

#endif
