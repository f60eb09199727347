"""Arrays in ``.npy`` files: read without trust, written whole or not at all."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from fxlstm.errors import FxlstmError, ModelError
from fxlstm.files import write_whole


def load_array(path: Path) -> NDArray[np.float64]:
    """Return the numbers of a ``.npy`` file as float64. Raises :class:`ModelError` for anything else, pickled objects included."""
    return load_numbers(path).astype(np.float64)


def load_numbers(path: Path) -> NDArray[Any]:
    """Return the numbers of a ``.npy`` file in the type that they have there; errors as of :func:`load_array`."""
    try:
        array = np.load(path, allow_pickle=False)
    except FileNotFoundError:
        raise ModelError(f"no file {str(path)!r}; check the path") from None
    except OSError as error:
        raise ModelError(f"{str(path)!r} cannot be read ({error.strerror or error}); check the path") from None
    except (ValueError, EOFError):  # NumPy's words would advise to unpickle
        raise ModelError(f"{str(path)!r} is no .npy file of numbers, or cut short; save it with numpy.save") from None
    if not isinstance(array, np.ndarray) or array.dtype.kind not in "fiub":
        raise ModelError(f"{str(path)!r} does not hold one array of real numbers; save it with numpy.save")
    return array


def save_array(path: Path, array: NDArray[Any]) -> None:
    """Write ``array`` to a ``.npy`` file, replacing it whole or not at all."""
    write_whole(path, lambda file: np.save(file, array))


def make_folder(path: Path) -> None:
    """Make a folder for results unless it is there. Raises :class:`FxlstmError` where that is not possible."""
    try:
        path.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise FxlstmError(f"cannot make the folder {str(path)!r} ({error.strerror}); choose another place with --output") from None
