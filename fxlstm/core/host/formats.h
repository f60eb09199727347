/* Values to codes and back, for the executor's binding: as encode and decode of fxlstm/program/formats.py, which define them. */
#ifndef FX_FORMATS_H
#define FX_FORMATS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* Codes nearest to values times `factor`, halves up, limited to -32767..32767. Returns whether all values are finite. */
bool fx_encode(const double *values, size_t count, double factor, int16_t *codes);

/* Values of codes: each times `unit`. */
void fx_decode(const int16_t *codes, size_t count, double unit, double *values);

#endif
