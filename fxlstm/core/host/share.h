/* Products that threads share, or that are multiplied in pieces. Internal to the core. */
#ifndef FX_SHARE_H
#define FX_SHARE_H

#include "plan.h"

/* Multiply so many groups of rows, with the executor's team if it is worth while. `kept`: sums of the leading groups for multiplies
 * to come, plan->sum_count from one sequence to the next; NULL: the product's results are wanted. */
void fx_multiply_shared(fx_executor *executor, const fx_planned_product *product, uint32_t groups, int64_t *kept);

#endif
