"""The state of sequences and how it goes on; part of _core.pyx."""


cdef bint _lies_as_in_c(object array, int kind) noexcept:
    """Whether it is an array of numbers of a kind, one after another in memory as C has them."""
    return cnp.PyArray_Check(array) and cnp.PyArray_TYPE(array) == kind and cnp.PyArray_ISCARRAY_RO(array)


cdef struct Native:
    const fx_native *array
    const fx_tile *tiles


cdef class Executor:
    """The state of ``batch`` sequences side by side. One thread at a time.

    ``timesteps``: the longest sequence that :meth:`run` takes, where the program needs sequences whole.

    ``multiply_tile(index, codes)`` multiplies the image's tile ``index`` instead of the exact integers, or is ``None``.
    ``native()`` is asked before every run and step for an object whose ``capsule`` holds a ``fx_native`` (native.h), which then
    multiplies without the GIL, or ``None``.
    """

    cdef Image image
    cdef fx_executor executor
    cdef fx_array array
    cdef uint8_t[::1] memory
    cdef uint8_t[::1] scratch
    cdef uint8_t[::1] codes  # of a step on values, inputs and outputs
    cdef Plan plan
    cdef object multiply_tile
    cdef object find_native
    cdef object native_tiles
    cdef Native native
    cdef object error
    cdef readonly uint32_t batch

    def __init__(self, Image image not None, uint32_t batch, str kernels not None, multiply_tile=None, size_t timesteps=0,
                 native=None):
        cdef const fx_kernels *named = _kernels_named(kernels)
        cdef const fx_array *array = NULL
        self.image = image
        self.batch = batch
        self.multiply_tile, self.find_native = multiply_tile, native
        self.native.tiles = self.image.program.tiles
        if multiply_tile is not None:
            array = &self.array
        cdef size_t size = fx_executor_size(&image.program, batch, timesteps)
        self.memory = _aligned(size)
        _check(
            fx_executor_init(&self.executor, &image.program, named, array, batch, timesteps, &self.memory[0], size),
            f"a batch of {batch} sequences",
        )
        self._use_plan(image.plan(kernels))
        cdef size_t ends = self.executor.phase.input_length + self.executor.phase.output_length
        self.codes = _aligned(batch * ends * sizeof(int16_t))

    cdef int _use_plan(self, Plan plan) except -1:
        """Run by a plan where the kernel set has one."""
        if plan.plan == NULL:
            return 0
        cdef size_t size = fx_plan_scratch_size(plan.plan)
        self.plan, self.scratch = plan, _aligned(size)
        return _check(fx_executor_use_plan(&self.executor, plan.plan, &self.scratch[0], size), "a plan")

    @property
    def kernels(self):
        """Name of the kernel set that runs."""
        return fx_kernels_name(self.executor.kernels).decode()

    cpdef bint takes(self, uint32_t batch, size_t timesteps) noexcept:
        """Whether :meth:`run` takes so many sequences of so many timesteps."""
        return batch == self.batch and (timesteps <= self.executor.timesteps or fx_program_streams(&self.image.program))

    def reset(self):
        """Put every sequence back to its state at reset."""
        fx_reset(&self.executor)

    def put_state(self, uint32_t start, const int16_t[:, ::1] codes not None):
        """Put codes (batch, length) into the arenas at ``start``, after a reset."""
        if codes.shape[0] != self.batch or codes.shape[1] == 0:
            raise ModelError(f"states of shape {(codes.shape[0], codes.shape[1])}; the executor has {self.batch} sequences")
        _check(fx_put_state(&self.executor, start, codes.shape[1], &codes[0, 0]), f"a state at {start}")

    def select(self, uint32_t phase):
        """Go on with the first timestep of a phase."""
        _check(fx_select(&self.executor, phase), f"phase {phase}")

    def step_codes(self, inputs, outputs):
        """One timestep on arrays of int16: inputs (features,) or (batch, features), outputs likewise.

        Returns ``outputs``, a new array where they are ``None``; ``None``, and nothing has happened, where an array does not fit.
        """
        cdef int axes = self._axes_of(inputs, cnp.NPY_INT16, 1, self.executor.phase.input_length)
        outputs = self._outputs(outputs, cnp.NPY_INT16, axes)
        if outputs is not None:
            self._step(<const int16_t *>cnp.PyArray_DATA(inputs), <int16_t *>cnp.PyArray_DATA(outputs))
        return outputs

    def step_values(self, inputs, outputs, double factor, double unit):
        """One timestep as :meth:`step_codes` on arrays of float64: codes are values times ``factor``, values codes times ``unit``.

        Returns ``None`` also where a value is not finite.
        """
        cdef size_t given = <size_t>self.batch * self.executor.phase.input_length
        cdef size_t wanted = <size_t>self.batch * self.executor.phase.output_length
        cdef int16_t *codes = <int16_t *>&self.codes[0]
        cdef int axes = self._axes_of(inputs, cnp.NPY_FLOAT64, 1, self.executor.phase.input_length)
        outputs = self._outputs(outputs, cnp.NPY_FLOAT64, axes)
        if outputs is None or not fx_encode(<const double *>cnp.PyArray_DATA(inputs), given, factor, codes):
            return None
        self._step(codes, codes + given)
        fx_decode(codes + given, wanted, unit, <double *>cnp.PyArray_DATA(outputs))
        return outputs

    cdef int _step(self, const int16_t *inputs, int16_t *outputs) except -1:
        cdef fx_status status
        self._find_array()
        with nogil:
            status = fx_step(&self.executor, inputs, outputs)
        return self._raise(status)

    cdef int _axes_of(self, object array, int kind, int least, Py_ssize_t length) noexcept:
        """Number of axes of an array that lies in memory as C has numbers of a kind; 0 where its form is another.

        It has at least so many axes, the last one of a ``length``, or one more for the batch before them.
        """
        if not _lies_as_in_c(array, kind):
            return 0
        cdef int axes = cnp.PyArray_NDIM(array)
        cdef bint fits = self.batch == 1 if axes == least else axes == least + 1 and cnp.PyArray_DIM(array, 0) == self.batch
        return axes if fits and cnp.PyArray_DIM(array, axes - 1) == length else 0

    cdef object _outputs(self, object outputs, int kind, int axes):
        """The array for outputs with so many axes, a new one where there is none; ``None`` where it does not fit or axes are 0."""
        cdef cnp.npy_intp[2] shape = [self.batch, self.executor.phase.output_length]
        if axes == 0:
            return None
        if outputs is None:
            return cnp.PyArray_EMPTY(axes, shape + 2 - axes, kind, False)
        fits = self._axes_of(outputs, kind, 1, shape[1]) == axes and cnp.PyArray_ISWRITEABLE(outputs)
        return outputs if fits else None

    def run_codes(self, inputs, size_t most):
        """Whole sequences from reset, int16 (time, features) or (batch, time, features); returns outputs likewise.

        Returns ``None``, and nothing has happened, where inputs do not fit, or hold more than ``most`` timesteps in all.
        """
        cdef size_t timesteps = self._whole(inputs, cnp.NPY_INT16, most)
        if timesteps == 0:
            return None
        outputs = self._whole_outputs(cnp.NPY_INT16, cnp.PyArray_NDIM(inputs) == 3, timesteps)
        self._run_whole(timesteps, <const int16_t *>cnp.PyArray_DATA(inputs), <int16_t *>cnp.PyArray_DATA(outputs))
        return outputs

    def run_values(self, inputs, size_t most, double factor, double unit):
        """Whole sequences as :meth:`run_codes` on arrays of float64, with factors as of :meth:`step_values`."""
        cdef size_t timesteps = self._whole(inputs, cnp.NPY_FLOAT64, most)
        if timesteps == 0:
            return None
        has_batch = cnp.PyArray_NDIM(inputs) == 3
        given = cnp.PyArray_EMPTY(cnp.PyArray_NDIM(inputs), cnp.PyArray_DIMS(inputs), cnp.NPY_INT16, False)
        cdef int16_t *codes = <int16_t *>cnp.PyArray_DATA(given)
        if not fx_encode(<const double *>cnp.PyArray_DATA(inputs), cnp.PyArray_SIZE(inputs), factor, codes):
            return None
        results = self._whole_outputs(cnp.NPY_INT16, has_batch, timesteps)
        cdef int16_t *wanted = <int16_t *>cnp.PyArray_DATA(results)
        self._run_whole(timesteps, codes, wanted)
        outputs = self._whole_outputs(cnp.NPY_FLOAT64, has_batch, timesteps)
        fx_decode(wanted, cnp.PyArray_SIZE(outputs), unit, <double *>cnp.PyArray_DATA(outputs))
        return outputs

    cdef size_t _whole(self, object inputs, int kind, size_t most) noexcept:
        """Number of timesteps of sequences that :meth:`run_codes` takes; else 0."""
        cdef int axes = self._axes_of(inputs, kind, 2, self.executor.phase.input_length)
        cdef size_t timesteps = 0 if axes == 0 else cnp.PyArray_DIM(inputs, axes - 2)
        fits = self.image.program.phase_count == 1 and timesteps <= most // self.batch and self.takes(self.batch, timesteps)
        return timesteps if fits else 0

    cdef object _whole_outputs(self, int kind, bint has_batch, size_t timesteps):
        """A new array for the outputs of sequences: ([batch,] [time,] outputs), without time where only the last one returns."""
        cdef cnp.npy_intp[3] shape
        cdef int axes = 0
        if has_batch:
            shape[axes], axes = self.batch, axes + 1
        if not self.executor.phase.returns_last:
            shape[axes], axes = timesteps, axes + 1
        shape[axes] = self.executor.phase.output_length
        return cnp.PyArray_EMPTY(axes + 1, shape, kind, False)

    cdef int _run_whole(self, size_t timesteps, const int16_t *inputs, int16_t *outputs) except -1:
        cdef fx_status status
        fx_reset(&self.executor)
        self._find_array()
        with nogil:
            status = fx_run(&self.executor, timesteps, timesteps, inputs, outputs)
        return self._raise(status)

    def run(self, inputs, size_t timesteps, out=None, Team team=None):
        """The phase from where it stands: (batch, given, input codes) in, (batch, timesteps, output codes) out.

        The time axis is 1 long if only the last output returns. ``out``: where the outputs go, an array of their shape. ``team``: of
        threads that help.
        """
        cdef const fx_phase *phase = &self.executor.phase
        cdef size_t given = self._timesteps_of(inputs, phase.input_length)
        cdef cnp.npy_intp[3] shape = [self.batch, 1 if phase.returns_last else timesteps, phase.output_length]
        outputs = cnp.PyArray_EMPTY(3, shape, cnp.NPY_INT16, False) if out is None else out
        if self._timesteps_of(outputs, shape[2]) != shape[1] or not cnp.PyArray_ISWRITEABLE(outputs):
            raise ModelError(f"outputs of shape {outputs.shape} do not take {shape[1]} timesteps")
        cdef const int16_t *codes = <const int16_t *>cnp.PyArray_DATA(inputs)
        cdef int16_t *results = <int16_t *>cnp.PyArray_DATA(outputs)
        cdef fx_status status
        self._find_array()
        self.executor.team = NULL if team is None else team.team
        with nogil:
            status = fx_run(&self.executor, given, timesteps, codes, results)
        self.executor.team = NULL
        self._raise(status)
        return outputs

    def move_clipped(self, int64_t[:, ::1] counts not None):
        """Add what :meth:`clipped` gives to ``counts``, int64 (operations, 2), and count anew."""
        cdef uint32_t i
        for i in range(self.image.program.operation_count):
            counts[i, 0] += self.executor.clipped[i].adc
            counts[i, 1] += self.executor.clipped[i].result
        memset(self.executor.clipped, 0, self.image.program.operation_count * sizeof(fx_clipped))

    def clipped(self):
        """Codes clipped since the executor was made, int64 (operations, 2): by the ADC, in the result."""
        cdef uint32_t count = self.image.program.operation_count
        counts = [(self.executor.clipped[i].adc, self.executor.clipped[i].result) for i in range(count)]
        return np.array(counts, dtype=np.int64).reshape(count, 2)

    cdef Py_ssize_t _timesteps_of(self, object codes, Py_ssize_t length) except -1:
        """Number of timesteps of codes (batch, timesteps, length)."""
        if not _lies_as_in_c(codes, cnp.NPY_INT16) or cnp.PyArray_NDIM(codes) != 3:
            raise ModelError("give contiguous int16 codes with three axes: batch, timesteps, codes of one timestep")
        if cnp.PyArray_DIM(codes, 0) != self.batch or cnp.PyArray_DIM(codes, 2) != length:
            raise ModelError(f"codes of shape {codes.shape}; the executor takes {self.batch} sequences of {length} at a timestep")
        return cnp.PyArray_DIM(codes, 1)

    cdef int _find_array(self) except -1:
        """Multiply by the native array as it is now, if there is one."""
        self.native_tiles = None if self.find_native is None else self.find_native()
        if self.native_tiles is None:
            self.array.context, self.array.multiply = <void *>self, _multiply_tile
        else:
            self.native.array = <const fx_native *>PyCapsule_GetPointer(self.native_tiles.capsule, FX_NATIVE)
            self.array.context, self.array.multiply = &self.native, _multiply_natively
        return 0

    cdef int _raise(self, fx_status status) except -1:
        """Raise what the array raised, else the status."""
        error, self.error = self.error, None
        if error is not None:
            raise error
        return _check(status, "run")

    cdef int _multiply(self, const fx_tile *tile, uint32_t count, const int16_t *rows, size_t row_stride,
                       int16_t *columns, size_t column_stride) except -1:
        """Copy the row codes out, ask the array, copy its codes in."""
        codes = np.empty((count, tile.rows), dtype=np.int16)
        cdef int16_t[:, ::1] row_view = codes
        cdef size_t sequence
        for sequence in range(count):
            memcpy(&row_view[sequence, 0], rows + sequence * row_stride, tile.rows * sizeof(int16_t))
        result = np.asarray(self.multiply_tile(tile - self.image.program.tiles, codes))
        if result.dtype != np.int16 or result.shape != (count, tile.columns):
            raise ArrayError(
                f"multiply_tile gave {result.dtype} of shape {result.shape}; return int16 of shape {(count, tile.columns)}"
            )
        cdef const int16_t[:, ::1] column_view = np.ascontiguousarray(result)
        for sequence in range(count):
            memcpy(columns + sequence * column_stride, &column_view[sequence, 0], tile.columns * sizeof(int16_t))
        return 0


cdef fx_status _multiply_tile(void *context, const fx_tile *tile, uint32_t count, const int16_t *rows, size_t row_stride,
                              int16_t *columns, size_t column_stride) noexcept nogil:
    """The fx_array callback: takes the GIL and keeps an exception until the C call has returned."""
    with gil:
        executor = <Executor>context
        try:
            executor._multiply(tile, count, rows, row_stride, columns, column_stride)
        except BaseException as error:
            executor.error = error
            return FX_ERROR_ARRAY_FAILED
    return FX_OK


cdef fx_status _multiply_natively(void *context, const fx_tile *tile, uint32_t count, const int16_t *rows, size_t row_stride,
                                  int16_t *columns, size_t column_stride) noexcept nogil:
    """The fx_array callback where no Python is asked."""
    cdef Native *native = <Native *>context
    return native.array.multiply(native.array.context, <size_t>(tile - native.tiles), count, rows, row_stride, columns, column_stride)
