/* Which kernel sets this build has, best first. */
#include <string.h>

#include "kernels.h"

static const fx_kernels *const SETS[] = {
#if defined(FX_HOST) && defined(__GNUC__) && defined(__x86_64__)
    &fx_kernels_avx512,
    &fx_kernels_avx2,
#elif defined(FX_HOST) && defined(__GNUC__) && defined(__aarch64__)
    &fx_kernels_neon,
#endif
    &fx_kernels_portable,
};

#define SET_COUNT (sizeof SETS / sizeof SETS[0])

/* The set of an index among those that this processor runs; NULL past the end. */
static const fx_kernels *set_at(size_t index) {
    for (size_t i = 0; i < SET_COUNT; i++) {
        bool usable = SETS[i]->usable == NULL || SETS[i]->usable();
        if (usable && index-- == 0) {
            return SETS[i];
        }
    }
    return NULL;
}

const fx_kernels *fx_kernels_default(void) {
    return set_at(0);
}

const fx_kernels *fx_kernels_named(const char *name) {
    const fx_kernels *set = set_at(0);
    for (size_t i = 1; set != NULL && strcmp(set->name, name) != 0; i++) {
        set = set_at(i);
    }
    return set;
}

const char *fx_kernels_name(const fx_kernels *kernels) {
    return kernels->name;
}

const char *fx_kernels_name_at(size_t index) {
    const fx_kernels *set = set_at(index);
    return set == NULL ? NULL : set->name;
}
