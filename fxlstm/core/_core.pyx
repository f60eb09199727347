"""The C core for Python: check, release the GIL, one C call, map the error. Convenience is in engine.py."""

cimport numpy as cnp
from cpython.pycapsule cimport PyCapsule_GetPointer
from libc.stddef cimport size_t
from libc.string cimport memcpy, memset

import numpy as np

from fxlstm.errors import ArrayError, ModelError, from_status
from fxlstm.program.operations import FUNCTION_BY_NAME, MAX_FRACTION

cnp.import_array()


cdef int _check(fx_status status, str context) except -1:
    if status != FX_OK:
        raise from_status(status, context)
    return 0


cdef enum:
    ALIGNMENT = 64  # bytes: of everything that C is given; images need 8, plans 64


def _aligned(size_t size):
    """Zeroed memory on an ``ALIGNMENT`` boundary, as a byte view."""
    memory = np.zeros(size + ALIGNMENT, dtype=np.uint8)
    cdef size_t start = -memory.ctypes.data % ALIGNMENT
    return memoryview(memory)[start : start + max(1, size)]


include "image.pxi"
include "executor.pxi"


def check_image(image):
    """Check an ``.fxl`` image by every rule of docs/image.md, as the board does. Raises :class:`ImageError`."""
    Image(image)


def activation(str function not None, int fraction, codes):
    """Codes nearest to ``function(code * 2**-fraction)``, ties up: any shape of int16, fraction 0..15."""
    if function not in FUNCTION_BY_NAME:
        raise ModelError(f"no function named {function!r}; known functions: {', '.join(FUNCTION_BY_NAME)}")
    if not 0 <= fraction <= MAX_FRACTION:
        raise ModelError(f"fraction = {fraction}: choose 0 to {MAX_FRACTION}")
    result = np.array(codes, dtype=np.int16, order="C")
    cdef int16_t[::1] view = result.reshape(-1)
    cdef uint8_t number = FUNCTION_BY_NAME[function].code
    cdef uint8_t bits = fraction
    cdef Py_ssize_t i
    with nogil:
        for i in range(view.shape[0]):
            view[i] = fx_activation(number, bits, view[i])
    return result


include "codec.pxi"
