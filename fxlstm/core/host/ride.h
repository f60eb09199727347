/* Activations that ride with the product whose results they look up. Internal to the core. */
#ifndef FX_RIDE_H
#define FX_RIDE_H

#include "pack.h"

/* Give the products of a plan, whose operations have their tables, the look-ups of the activations that can run with them, and
 * mark these; join those that cannot. Counts memory only where `pieces` has none. */
void fx_let_ride(fx_plan *plan, fx_pieces *pieces);

#endif
