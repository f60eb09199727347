"""Kernel sets, images, the plans that a set makes of an image, teams of threads; part of _core.pyx."""


def kernel_names():
    """Names of the kernel sets that this machine can run, best first."""
    names = []
    cdef const char *name = fx_kernels_name_at(0)
    while name != NULL:
        names.append(name.decode())
        name = fx_kernels_name_at(len(names))
    return names


def default_kernels():
    """Name of the kernel set that runs unless another is asked for."""
    return fx_kernels_name(fx_kernels_default()).decode()


def kernels_usable(str name not None):
    """Whether this machine can run a kernel set of that name; asks the system for what the set needs."""
    encoded = name.encode()
    return fx_kernels_named(encoded) != NULL


def kernels_need(str name not None):
    """What a kernel set runs on, whether it can here or not; ``None``: there is no such set, or it runs anywhere."""
    encoded = name.encode()
    cdef const char *needs = fx_kernels_needs(encoded)
    return None if needs == NULL else needs.decode()


cdef class Image:
    """An opened image: an aligned copy of its bytes that the C side has checked. Immutable; threads may share it."""

    cdef fx_program program
    cdef const uint8_t[::1] content
    cdef readonly size_t size
    cdef dict plans

    def __init__(self, image):
        cdef const uint8_t[::1] source = memoryview(image).cast("B")
        cdef uint8_t[::1] content = _aligned(source.shape[0])
        self.size = source.shape[0]
        self.plans = {}
        if self.size:
            memcpy(&content[0], &source[0], self.size)
        self.content = content
        cdef fx_status status
        with nogil:
            status = fx_program_open(&self.program, &content[0], self.size)
        _check(status, f"image of {self.size} bytes")

    def plan(self, str kernels not None):
        """The plan that a kernel set makes of the program, made when it is first asked for; ``None``: the set has none."""
        if kernels not in self.plans:
            self.plans[kernels] = Plan(self, kernels)
        return self.plans[kernels]


cdef class Plan:
    """What a kernel set makes of an image to run it fast. Immutable; threads may share it."""

    cdef const fx_plan *plan  # NULL: the set runs without
    cdef uint8_t[::1] memory
    cdef readonly uint64_t largest_product  # multiplications of one sequence with the largest matrix

    def __init__(self, Image image not None, str kernels not None):
        cdef const fx_kernels *named = _kernels_named(kernels)
        cdef size_t size = fx_plan_size(&image.program, named)
        if size > 0:
            self.memory = _aligned(size)
            _check(fx_plan_init(&self.plan, &image.program, named, &self.memory[0], size), f"a plan of {size} bytes")
            self.largest_product = fx_plan_largest_product(self.plan)


cdef const fx_kernels *_kernels_named(str name) except NULL:
    encoded = name.encode()
    cdef const fx_kernels *named = fx_kernels_named(encoded)
    if named == NULL:
        raise ValueError(name)
    return named


cdef class Team:
    """Threads that share the columns of each product that takes ``least`` multiplications, for :meth:`Executor.run`.

    ``size``: how many at most, as there is not work for any number; each but the one that runs the executor calls :meth:`help`
    with a number of its own from 1 on.
    """

    cdef fx_team *team
    cdef uint8_t[::1] memory
    cdef readonly uint32_t size

    def __init__(self, uint32_t size, uint64_t least):
        self.size = min(size, FX_MOST_SHARES)
        self.memory = _aligned(fx_team_size())
        _check(fx_team_init(&self.team, self.size, least, &self.memory[0]), f"a team of {size}")

    def help(self, uint32_t share):
        """Do this share of every product until :meth:`end`."""
        with nogil:
            fx_team_help(self.team, share)

    def end(self):
        """Let the helpers go."""
        fx_team_end(self.team)
