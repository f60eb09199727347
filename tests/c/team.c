/* Teams: every share of every piece of work is done once, by a helper while the caller is busy and by the caller where no helper
 * is there.
 */
#include <pthread.h>
#include <stdatomic.h>

#include "check.h"
#include "host/team.h"

#define THREADS 3u
#define PIECES 2000u

static fx_team *new_team(uint32_t size) {
    void *memory = aligned_alloc(FX_CACHE_LINE, fx_team_size());
    fx_team *team = NULL;
    CHECK(fx_team_init(&team, size, 0, memory) == FX_OK);
    return team;
}

static void *help_with_1(void *team) {
    fx_team_help(team, 1);
    return NULL;
}

static void *help_with_2(void *team) {
    fx_team_help(team, 2);
    return NULL;
}

static void count(void *context, uint32_t share) {
    uint32_t *done = context;
    done[share]++; /* plainly: whoever does the next piece's share sees it */
}

static void every_share_is_done_once(void) {
    fx_team *team = new_team(THREADS);
    uint32_t done[THREADS] = {0};
    pthread_t first, second, late;
    CHECK(pthread_create(&first, NULL, help_with_1, team) == 0);
    CHECK(pthread_create(&second, NULL, help_with_2, team) == 0);
    for (uint32_t piece = 1; piece <= PIECES; piece++) {
        fx_team_do(team, count, done);
        for (uint32_t share = 0; share < THREADS; share++) {
            CHECK(done[share] == piece);
        }
    }
    fx_team_end(team);
    CHECK(pthread_create(&late, NULL, help_with_1, team) == 0);
    CHECK(pthread_join(first, NULL) == 0 && pthread_join(second, NULL) == 0 && pthread_join(late, NULL) == 0);
    CHECK(done[1] == PIECES);
    free(team);
}

static void without_helpers_the_caller_does_all(void) {
    fx_team *team = new_team(FX_MOST_SHARES + 1);
    uint32_t done[FX_MOST_SHARES] = {0};
    fx_team_do(team, count, done);
    for (uint32_t share = 0; share < FX_MOST_SHARES; share++) {
        CHECK(done[share] == 1);
    }
    fx_team_help(team, FX_MOST_SHARES); /* a helper too many returns at once */
    free(team);
}

static void wait_for_the_other(void *context, uint32_t share) {
    atomic_uint *begun = context;
    atomic_fetch_add(begun, 1);
    while (share == 0 && atomic_load(begun) < 2) {
    }
}

static void a_helper_works_beside_the_caller(void) {
    fx_team *team = new_team(2);
    atomic_uint begun = 0;
    pthread_t helper;
    CHECK(pthread_create(&helper, NULL, help_with_1, team) == 0);
    fx_team_do(team, wait_for_the_other, &begun);
    fx_team_end(team);
    CHECK(pthread_join(helper, NULL) == 0);
    free(team);
}

static void bad_arguments_are_refused(void) {
    static _Alignas(FX_CACHE_LINE) uint8_t memory[2 * sizeof(fx_team)];
    fx_team *team = NULL;
    CHECK(fx_team_init(&team, 0, 0, memory) == FX_ERROR_ARGUMENT);
    CHECK(fx_team_init(&team, 2, 0, memory + 8) == FX_ERROR_ARGUMENT);
}

int main(void) {
    every_share_is_done_once();
    without_helpers_the_caller_does_all();
    a_helper_works_beside_the_caller();
    bad_arguments_are_refused();
    return EXIT_SUCCESS;
}
