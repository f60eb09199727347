"""The link's checksum and frame codec; part of _core.pyx."""


def crc32(data, uint32_t crc=0):
    """CRC-32 (IEEE, as zlib) of bytes; ``crc`` is the value of the bytes before."""
    cdef const uint8_t[::1] view = memoryview(data).cast("B")
    return fx_crc32(crc, &view[0], view.shape[0]) if view.shape[0] else crc


def cobs_encode(data):
    """COBS form of bytes: no zero byte in it, no delimiter after it."""
    cdef const uint8_t[::1] view = memoryview(data).cast("B")
    out = bytearray(fx_cobs_bound(view.shape[0]))
    cdef uint8_t[::1] out_view = out
    written = fx_cobs_encode(&view[0] if view.shape[0] else NULL, view.shape[0], &out_view[0])
    return bytes(out[:written])


def cobs_decode(data):
    """Bytes of a COBS form without its delimiter. Raises :class:`LinkError` when it is not one."""
    cdef const uint8_t[::1] view = memoryview(data).cast("B")
    cdef size_t written = 0
    out = bytearray(max(1, view.shape[0]))
    cdef uint8_t[::1] out_view = out
    _check(
        fx_cobs_decode(&view[0] if view.shape[0] else NULL, view.shape[0], &out_view[0], &written),
        f"{view.shape[0]} bytes",
    )
    return bytes(out[:written])
