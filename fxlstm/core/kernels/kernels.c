/* Which kernel sets this build has, best first. */
#include <string.h>

#include "kernels.h"

static const fx_kernels *const SETS[] = {
#if defined(FX_HOST) && defined(__GNUC__) && defined(__x86_64__)
#if FX_AMX
    &fx_kernels_amx,
#endif
    &fx_kernels_avx512,
    &fx_kernels_avx2,
#elif defined(FX_HOST) && defined(__GNUC__) && defined(__aarch64__)
    &fx_kernels_neon,
#elif FX_CORTEX_M4
    &fx_kernels_cortex_m4,
#endif
    &fx_kernels_portable,
};

#define SET_COUNT (sizeof SETS / sizeof SETS[0])

static bool is_usable(const fx_kernels *set) {
    return set->usable == NULL || set->usable();
}

/* The set of an index among those that this process runs; NULL past the end. */
static const fx_kernels *set_at(size_t index) {
    for (size_t i = 0; i < SET_COUNT; i++) {
        if (is_usable(SETS[i]) && index-- == 0) {
            return SETS[i];
        }
    }
    return NULL;
}

/* The set of a name, usable or not; NULL: there is none. */
static const fx_kernels *set_named(const char *name) {
    for (size_t i = 0; i < SET_COUNT; i++) {
        if (strcmp(SETS[i]->name, name) == 0) {
            return SETS[i];
        }
    }
    return NULL;
}

const fx_kernels *fx_kernels_default(void) {
    return set_at(0);
}

const fx_kernels *fx_kernels_named(const char *name) {
    const fx_kernels *set = set_named(name);
    return set != NULL && is_usable(set) ? set : NULL;
}

const char *fx_kernels_needs(const char *name) {
    const fx_kernels *set = set_named(name);
    return set == NULL ? NULL : set->needs;
}

const char *fx_kernels_name(const fx_kernels *kernels) {
    return kernels->name;
}

const char *fx_kernels_name_at(size_t index) {
    const fx_kernels *set = set_at(index);
    return set == NULL ? NULL : set->name;
}
