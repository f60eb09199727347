/* Which kernel sets this build has, best first. */
#include <string.h>

#include "kernels.h"

static const fx_kernels *const SETS[] = {&fx_kernels_portable};

#define SET_COUNT (sizeof SETS / sizeof SETS[0])

const fx_kernels *fx_kernels_default(void) {
    return SETS[0];
}

const fx_kernels *fx_kernels_named(const char *name) {
    for (size_t i = 0; i < SET_COUNT; i++) {
        if (strcmp(SETS[i]->name, name) == 0) {
            return SETS[i];
        }
    }
    return NULL;
}

const char *fx_kernels_name(const fx_kernels *kernels) {
    return kernels->name;
}

const char *fx_kernels_name_at(size_t index) {
    return index < SET_COUNT ? SETS[index]->name : NULL;
}
