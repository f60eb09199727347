/* Threads that share one piece of work after another, microseconds each. Nobody is waited for who has not come: a share that
 * no helper has taken runs on the thread that gave the work out, so that a helper without a core costs no time. Internal to
 * the core.
 */
#ifndef FX_TEAM_H
#define FX_TEAM_H

#include <stdatomic.h>
#include <stdint.h>

#include "../fxlstm.h"

#define FX_MOST_SHARES 16u
#define FX_CACHE_LINE 64

/* Does one share of a piece of work; shares run at the same time, so they write to different places. */
typedef void fx_share(void *context, uint32_t share);

/* The number of the last piece of work of which this share has been taken, and of the last of which it is done. */
typedef struct {
    _Alignas(FX_CACHE_LINE) _Atomic uint64_t taken;
    _Atomic uint64_t done;
} fx_team_share;

/* `work` and `context` belong to the thread that gives work out, and to a helper while it has taken a share that is not done. */
struct fx_team {
    _Alignas(FX_CACHE_LINE) _Atomic uint64_t number; /* of the piece of work, from 1; 0: none yet */
    fx_share *work;
    void *context;
    uint64_t least; /* products of which it takes so many to be shared */
    fx_team_share shares[FX_MOST_SHARES];
    uint32_t size;
};

/* Do all shares of a piece of work, with the helpers that are there; returns when all are done. One thread at a time. */
void fx_team_do(fx_team *team, fx_share *work, void *context);

#endif
