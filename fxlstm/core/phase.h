/* One phase after the other. Internal to the core. */
#ifndef FX_PHASE_H
#define FX_PHASE_H

#include "fxlstm.h"

/* The phase that follows; its sweep_count is 0 after the last. */
fx_phase fx_phase_after(const fx_program *program, const fx_phase *phase);

#endif
