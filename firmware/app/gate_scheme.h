/* Write-verify by gate voltage, and the two-pulse rule.
 * SPDX-License-Identifier: BSD-3-Clause
 *
 * Per row and cycle: cells that read too high get a RESET, every cell not yet in tolerance gets a SET with its own gate
 * code, the row is read. crossbar/gate_scheme.py is the same in plain Python.
 */
#ifndef GATE_SCHEME_H
#define GATE_SCHEME_H

#include "app/campaign.h"

void gate_scheme_judge(firmware *board, unsigned column, int32_t error);
fx_status gate_scheme_pulse(firmware *board);

#endif
