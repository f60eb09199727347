/* Shares of a product: each takes some chunks of the matrix's columns. */
#include "share.h"

#include "../kernels/kernels.h"
#include "pack.h"
#include "team.h"

#define SHARED_CHUNKS 4u /* that stay together: what a kernel takes at once */

typedef struct {
    const struct fx_planning *planning;
    const fx_planned_product *product;
    int64_t *kept;
    size_t kept_stride;
    uint32_t shares;
    fx_clipped clipped[FX_MOST_SHARES];
} shared_product;

static void multiply_chunks(const struct fx_planning *planning, const fx_planned_product *product, int64_t *kept,
                            size_t kept_stride) {
    if (kept == NULL) {
        planning->multiply(product);
    } else {
        planning->multiply_ahead(product, kept, kept_stride);
    }
}

static uint32_t first_chunk(const shared_product *shared, uint32_t share) {
    uint32_t chunks = shared->product->matrix->chunks;
    uint32_t first = (chunks + SHARED_CHUNKS - 1) / SHARED_CHUNKS * share / shared->shares * SHARED_CHUNKS;
    return first < chunks ? first : chunks;
}

/* Leave a share the look-ups that have all their codes among its results. */
static void take_look_ups(fx_planned_product *own, uint32_t length) {
    const fx_look_up *end = own->look_ups + own->look_up_count, *first = own->look_ups;
    while (first < end && own->arenas + first->from < own->results) {
        first++;
    }
    own->look_ups = first;
    while (first < end && own->arenas + first->from + length <= own->results + own->matrix->columns) {
        first++;
    }
    own->look_up_count = (uint32_t)(first - own->look_ups);
}

/* Do the look-ups that have codes on both sides of a column. */
static void look_up_across(const shared_product *shared, size_t column) {
    const fx_planned_product *product = shared->product;
    const uint32_t length = shared->planning->looked_up;
    const fx_arenas arenas = {product->arenas, product->result_stride, product->count};
    for (const fx_look_up *one = product->look_ups; one < product->look_ups + product->look_up_count; one++) {
        const int16_t *codes = product->arenas + one->from, *side = product->results + column;
        if (codes < side && side < codes + length) {
            shared->planning->look_up(one->table, one->from, one->to, length, &arenas);
        }
    }
}

static void multiply_share(void *context, uint32_t share) {
    shared_product *shared = context;
    const uint32_t first = first_chunk(shared, share), end = first_chunk(shared, share + 1);
    if (first == end) {
        return;
    }
    const size_t column = (size_t)first * FX_LANES;
    const fx_packed matrix = fx_packed_chunks(shared->product->matrix, first, end);
    fx_clipped clipped = {0, 0}; /* on a stack of its own: threads that write to one cache line wait for each other */
    fx_planned_product own = *shared->product;
    own.matrix = &matrix;
    own.clipped = &clipped;
    own.ahead = own.ahead == NULL ? NULL : own.ahead + column;
    own.results = own.results == NULL ? NULL : own.results + column;
    if (own.look_up_count > 0) {
        take_look_ups(&own, shared->planning->looked_up);
    }
    multiply_chunks(shared->planning, &own, shared->kept == NULL ? NULL : shared->kept + column, shared->kept_stride);
    shared->clipped[share] = clipped;
}

void fx_multiply_shared(const fx_executor *executor, const fx_planned_product *product, uint32_t groups,
                        int64_t *kept) {
    const struct fx_planning *planning = executor->plan->kernels->planning;
    fx_team *team = executor->team;
    if (team == NULL || fx_multiplications(product->matrix, groups) * product->count < team->least) {
        multiply_chunks(planning, product, kept, executor->plan->sum_count);
        return;
    }
    shared_product shared = {planning, product, kept, executor->plan->sum_count, team->size, {{0, 0}}};
    fx_team_do(team, multiply_share, &shared);
    for (uint32_t share = 0; share < team->size && kept == NULL; share++) {
        product->clipped->adc += shared.clipped[share].adc;
        product->clipped->result += shared.clipped[share].result;
        look_up_across(&shared, (size_t)first_chunk(&shared, share) * FX_LANES);
    }
}
