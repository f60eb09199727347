/* Threads that share work: whoever changes a share's number from the last piece of work to this one does it. */
#include "team.h"

#if defined(__GNUC__)
#include <sched.h>
#endif

#define SPINS 512u /* rounds of waiting, some 10 to 20 microseconds, before other threads are let onto the core */
#define NO_MORE UINT64_MAX

static void spin(void) {
#if defined(__GNUC__) && defined(__x86_64__)
    __builtin_ia32_pause();
#elif defined(__GNUC__) && defined(__aarch64__)
    __asm__ volatile("yield");
#endif
}

/* Wait a moment; `waited` counts how often. */
static void rest(uint32_t *waited) {
    if (*waited < SPINS) {
        ++*waited;
        spin();
        return;
    }
#if defined(__GNUC__)
    (void)sched_yield();
#endif
}

/* Do a share of the work of a number unless somebody else does. */
static void do_share(fx_team *team, uint32_t share, uint64_t number) {
    fx_team_share *own = team->shares + share;
    uint64_t last = number - 1;
    if (atomic_compare_exchange_strong_explicit(&own->taken, &last, number, memory_order_acquire,
                                                memory_order_relaxed)) {
        team->work(team->context, share);
        atomic_store_explicit(&own->done, number, memory_order_release);
    }
}

static void wait_for(const fx_team_share *share, uint64_t number) {
    uint32_t waited = 0;
    while (atomic_load_explicit(&share->done, memory_order_acquire) != number) {
        rest(&waited);
    }
}

void fx_team_do(fx_team *team, fx_share *work, void *context) {
    uint64_t number = atomic_load_explicit(&team->number, memory_order_relaxed) + 1;
    team->work = work;
    team->context = context;
    atomic_store_explicit(&team->number, number, memory_order_release);
    for (uint32_t share = 0; share < team->size; share++) {
        do_share(team, share, number);
    }
    for (uint32_t share = 0; share < team->size; share++) {
        wait_for(team->shares + share, number);
    }
}

size_t fx_team_size(void) {
    return sizeof(fx_team);
}

fx_status fx_team_init(fx_team **team, uint32_t size, uint64_t least, void *memory) {
    if (size == 0 || (uintptr_t)memory % FX_CACHE_LINE != 0) {
        return FX_ERROR_ARGUMENT;
    }
    fx_team *made = memory;
    atomic_init(&made->number, 0);
    made->size = size < FX_MOST_SHARES ? size : FX_MOST_SHARES;
    made->least = least;
    for (uint32_t share = 0; share < FX_MOST_SHARES; share++) {
        atomic_init(&made->shares[share].taken, 0);
        atomic_init(&made->shares[share].done, 0);
    }
    *team = made;
    return FX_OK;
}

void fx_team_help(fx_team *team, uint32_t share) {
    uint64_t done = 0;
    uint32_t waited = 0;
    while (share < team->size && done != NO_MORE) {
        uint64_t number = atomic_load_explicit(&team->number, memory_order_acquire);
        if (number == done) {
            rest(&waited);
            continue;
        }
        if (number != NO_MORE) {
            do_share(team, share, number);
        }
        done = number;
        waited = 0;
    }
}

void fx_team_end(fx_team *team) {
    atomic_store_explicit(&team->number, NO_MORE, memory_order_release);
}
