"""The executor of integer programs and the link's frame codec: one C source for host, firmware and tests."""

try:
    from fxlstm.core._core import activation, check_image, cobs_decode, cobs_encode, crc32, kernel_names
except ImportError as error:
    raise ImportError(
        f"the compiled part of fxlstm does not load ({error}); build it: pip install -e . in the source tree"
    ) from error

from fxlstm.core.engine import Engine

__all__ = ["Engine", "activation", "check_image", "cobs_decode", "cobs_encode", "crc32", "kernel_names"]
