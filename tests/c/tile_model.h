/* What a test asks the model of AMX tiles. */
#ifndef TILE_MODEL_H
#define TILE_MODEL_H

#include <stdbool.h>

unsigned long tile_dots(void); /* dot products of tiles so far */
bool tiles_are_released(void); /* this thread has left no configuration behind */

#endif
