"""The file of a simulated array: a record in JSON and named arrays of numbers."""

from __future__ import annotations

import json
import os
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any, TypeVar
from zipfile import BadZipFile

import numpy as np
from numpy.typing import NDArray

from fxlstm.errors import ArrayError
from fxlstm.files import write_whole

State = Mapping[str, NDArray[Any]]
Restored = TypeVar("Restored")


def write_array(path: str | os.PathLike[str], about: Mapping[str, Any], state: State) -> None:
    """Write an array to a file, which is replaced as a whole or not at all."""
    content = {"about": np.array(json.dumps(about)), **state}
    write_whole(path, lambda file: np.savez(file, allow_pickle=False, **content), ArrayError)


def read_array(path: str | os.PathLike[str], restore: Callable[[dict[str, Any], State], Restored]) -> Restored:
    """Return what ``restore`` makes of the record and the state in a file.

    Raises :class:`ArrayError` when there is no file, and when it is none of an array or ``restore`` cannot make sense of it.
    """
    try:
        with Path(path).open("rb") as opened, np.load(opened, allow_pickle=False) as file:
            about, state = json.loads(str(file["about"])), dict(file)
        return restore(about, state)
    except FileNotFoundError:
        raise ArrayError(f"no saved array at {os.fspath(path)!r}; check the path") from None
    except (ValueError, KeyError, TypeError, EOFError, OSError, BadZipFile) as error:
        raise ArrayError(
            f"{os.fspath(path)!r} is not a saved array, or damaged; give another path, or delete it to start with fresh cells"
        ) from error


def put_back(state: State, parts: State) -> None:
    """Write the numbers of ``state`` into the arrays of the same names; raises ``ValueError`` for another form."""
    for name, part in parts.items():
        if state[name].shape != part.shape or state[name].dtype != part.dtype:
            raise ValueError(f"{name} of {state[name].dtype} {state[name].shape}")
        part[...] = state[name]
