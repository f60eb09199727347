"""What the extension uses of fxlstm.h."""

from libc.stdint cimport int16_t, int64_t, uint8_t, uint32_t, uint64_t


cdef extern from "fxlstm.h" nogil:
    ctypedef int fx_status
    int FX_OK
    int FX_ERROR_ARRAY_FAILED

    ctypedef struct fx_tile:
        uint32_t rows
        uint32_t columns

    ctypedef struct fx_program:
        const fx_tile *tiles
        uint32_t operation_count
        uint32_t phase_count

    ctypedef struct fx_phase:
        uint32_t input_length
        uint32_t output_length
        bint returns_last

    ctypedef struct fx_array:
        void *context
        fx_status (*multiply)(void *context, const fx_tile *tile, uint32_t count, const int16_t *rows, size_t row_stride,
                              int16_t *columns, size_t column_stride) noexcept nogil

    ctypedef struct fx_kernels:
        pass

    ctypedef struct fx_team:
        pass

    ctypedef struct fx_clipped:
        uint32_t adc
        uint32_t result

    ctypedef struct fx_executor:
        const fx_kernels *kernels
        fx_clipped *clipped
        fx_phase phase
        size_t timesteps
        fx_team *team

    bint fx_program_streams(const fx_program *program)
    fx_status fx_program_open(fx_program *program, const void *image, size_t size)
    const fx_kernels *fx_kernels_named(const char *name)
    const char *fx_kernels_name(const fx_kernels *kernels)
    const fx_kernels *fx_kernels_default()
    const char *fx_kernels_needs(const char *name)
    const char *fx_kernels_name_at(size_t index)
    size_t fx_executor_size(const fx_program *program, uint32_t batch, size_t timesteps)
    fx_status fx_executor_init(fx_executor *executor, const fx_program *program, const fx_kernels *kernels,
                               const fx_array *array, uint32_t batch, size_t timesteps, void *memory, size_t size)
    ctypedef struct fx_plan:
        pass

    size_t fx_plan_size(const fx_program *program, const fx_kernels *kernels)
    fx_status fx_plan_init(const fx_plan **plan, const fx_program *program, const fx_kernels *kernels, void *memory, size_t size)
    size_t fx_plan_scratch_size(const fx_plan *plan)
    fx_status fx_executor_use_plan(fx_executor *executor, const fx_plan *plan, void *scratch, size_t size)
    uint64_t fx_plan_largest_product(const fx_plan *plan)
    uint32_t FX_MOST_SHARES
    size_t fx_team_size()
    fx_status fx_team_init(fx_team **team, uint32_t size, uint64_t least, void *memory)
    void fx_team_help(fx_team *team, uint32_t share)
    void fx_team_end(fx_team *team)
    void fx_reset(fx_executor *executor)
    fx_status fx_put_state(fx_executor *executor, uint32_t start, uint32_t length, const int16_t *codes)
    fx_status fx_step(fx_executor *executor, const int16_t *inputs, int16_t *outputs)
    fx_status fx_select(fx_executor *executor, uint32_t phase)
    fx_status fx_run(fx_executor *executor, size_t given, size_t timesteps, const int16_t *inputs, int16_t *outputs)
    int16_t fx_activation(uint8_t function, uint8_t fraction, int16_t code)
    uint32_t fx_crc32(uint32_t crc, const void *data, size_t size)
    size_t fx_cobs_bound(size_t size)
    size_t fx_cobs_encode(const uint8_t *data, size_t size, uint8_t *out)
    fx_status fx_cobs_decode(const uint8_t *data, size_t size, uint8_t *out, size_t *written)


cdef extern from "host/formats.h" nogil:
    bint fx_encode(const double *values, size_t count, double factor, int16_t *codes)
    void fx_decode(const int16_t *codes, size_t count, double unit, double *values)


cdef extern from "native.h" nogil:
    const char *FX_NATIVE

    ctypedef struct fx_native:
        void *context
        fx_status (*multiply)(void *context, size_t tile, uint32_t count, const int16_t *rows, size_t row_stride,
                              int16_t *columns, size_t column_stride) noexcept nogil
