"""One thread for linear algebra on many small matrices: more of them wait for each other longer than they work."""

from __future__ import annotations

from contextlib import AbstractContextManager
from functools import lru_cache
from typing import Any

from threadpoolctl import ThreadpoolController


def one_thread() -> AbstractContextManager[Any]:
    """Return the context in which BLAS uses one thread, so that the last bits do not depend on the number of cores either."""
    context: AbstractContextManager[Any] = _found().limit(limits=1, user_api="blas")
    return context


@lru_cache(maxsize=1)
def _found() -> ThreadpoolController:
    """The BLAS of NumPy and that of SciPy, which are there once they are used."""
    return ThreadpoolController()
