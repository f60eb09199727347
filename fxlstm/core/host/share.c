/* Shares of a product, each of which takes some chunks of the matrix's columns, and pieces of a share. */
#include "share.h"

#include "../kernels/kernels.h"
#include "pack.h"
#include "team.h"

/* A product, and where its sums go if they are kept. */
typedef struct {
    const fx_plan *plan;
    const fx_planned_product *product;
    int64_t *kept;
    bool backward; /* pieces in the other order than the time before */
    uint32_t shares;
    fx_clipped clipped[FX_MOST_SHARES];
} shared_product;

/* ---- chunks of a product */

/* Leave the look-ups that have all their codes among the results. */
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

/* Do the look-ups that have codes on both sides of a chunk's beginning. */
static void look_up_across(const shared_product *shared, uint32_t chunk) {
    const fx_planned_product *product = shared->product;
    const uint32_t length = shared->plan->kernels->planning->looked_up;
    const fx_arenas arenas = {product->arenas, product->result_stride, product->count};
    const int16_t *side = product->results + (size_t)chunk * FX_LANES;
    for (const fx_look_up *one = product->look_ups; one < product->look_ups + product->look_up_count; one++) {
        const int16_t *codes = product->arenas + one->from;
        if (codes < side && side < codes + length) {
            shared->plan->kernels->planning->look_up(one->table, one->from, one->to, length, &arenas);
        }
    }
}

static void multiply(const fx_plan *plan, const fx_planned_product *product, int64_t *kept) {
    const struct fx_planning *planning = plan->kernels->planning;
    if (kept == NULL) {
        planning->multiply(product);
    } else {
        planning->multiply_ahead(product, kept, plan->sum_count);
    }
}

static void multiply_chunks(const shared_product *shared, uint32_t first, uint32_t end, fx_clipped *clipped) {
    const size_t column = (size_t)first * FX_LANES;
    const fx_packed matrix = fx_packed_chunks(shared->product->matrix, first, end);
    fx_planned_product own = *shared->product;
    own.matrix = &matrix;
    own.clipped = clipped;
    own.ahead = own.ahead == NULL ? NULL : own.ahead + column;
    own.results = own.results == NULL ? NULL : own.results + column;
    if (own.look_up_count > 0) {
        take_look_ups(&own, shared->plan->kernels->planning->looked_up);
    }
    multiply(shared->plan, &own, shared->kept == NULL ? NULL : shared->kept + column);
}

/* ---- pieces, the last of which the cache still has when they are next multiplied the other way round */

static void multiply_pieces(const shared_product *shared, uint32_t first, uint32_t end, fx_clipped *clipped) {
    const uint32_t most = shared->product->matrix->piece, count = (end - first + most - 1) / most;
    for (uint32_t i = 0; i < count; i++) {
        const uint32_t start = first + (shared->backward ? count - 1 - i : i) * most;
        multiply_chunks(shared, start, end - start < most ? end : start + most, clipped);
    }
    for (uint32_t i = 1; i < count && shared->kept == NULL; i++) {
        look_up_across(shared, first + i * most);
    }
}

/* ---- shares */

static uint32_t first_chunk(const shared_product *shared, uint32_t share) {
    uint32_t chunks = shared->product->matrix->chunks;
    uint32_t first = (chunks + FX_TAKEN_TOGETHER - 1) / FX_TAKEN_TOGETHER * share / shared->shares * FX_TAKEN_TOGETHER;
    return first < chunks ? first : chunks;
}

static void multiply_share(void *context, uint32_t share) {
    shared_product *shared = context;
    fx_clipped clipped = {0, 0}; /* on a stack of its own: threads that write to one cache line wait for each other */
    multiply_pieces(shared, first_chunk(shared, share), first_chunk(shared, share + 1), &clipped);
    shared->clipped[share] = clipped;
}

static void multiply_by_team(fx_team *team, shared_product *shared) {
    fx_team_do(team, multiply_share, shared);
    for (uint32_t share = 0; share < team->size && shared->kept == NULL; share++) {
        shared->product->clipped->adc += shared->clipped[share].adc;
        shared->product->clipped->result += shared->clipped[share].result;
        look_up_across(shared, first_chunk(shared, share));
    }
}

static void multiply_parted(fx_executor *executor, const fx_planned_product *product, bool alone, int64_t *kept) {
    shared_product shared = {.plan = executor->plan,
                             .product = product,
                             .kept = kept,
                             .backward = executor->backward,
                             .shares = alone ? 1 : executor->team->size};
    executor->backward = !executor->backward;
    if (alone) {
        multiply_pieces(&shared, 0, product->matrix->chunks, product->clipped);
    } else {
        multiply_by_team(executor->team, &shared);
    }
}

void fx_multiply_shared(fx_executor *executor, const fx_planned_product *product, uint32_t groups, int64_t *kept) {
    const fx_team *team = executor->team;
    const bool alone = team == NULL || fx_multiplications(product->matrix, groups) * product->count < team->least;
    if (alone && product->matrix->chunks <= product->matrix->piece) {
        multiply(executor->plan, product, kept);
    } else {
        multiply_parted(executor, product, alone, kept);
    }
}
