"""Files written whole or not at all."""

from __future__ import annotations

import os
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from typing import BinaryIO

from fxlstm.errors import FxlstmError


def write_whole(
    path: str | os.PathLike[str], write: Callable[[BinaryIO], object], error_class: type[FxlstmError] = FxlstmError
) -> None:
    """Let ``write`` fill a file beside ``path``, then put it in the place of ``path`` at once: no reader ever sees half a file.

    Its bytes are on the disk before they take the place of the old ones. Raises ``error_class`` where the folder cannot be
    written to; ``path`` is as it was then.
    """
    path = Path(path)
    partial = path.with_name(f"{path.name}.{os.getpid()}.partial")
    try:
        with partial.open("wb") as file:
            write(file)
            file.flush()
            os.fsync(file.fileno())
        partial.replace(path)
    except OSError as error:
        raise error_class(f"cannot write {str(path)!r} ({error.strerror or error}); choose another place for the output") from None
    finally:
        with suppress(OSError):
            partial.unlink()
