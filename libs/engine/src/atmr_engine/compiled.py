"""The one way to compile a function here: numba, cached on disk, no fast mathematics.

numba looks at a function's own source file alone, so that a change in a callee would be missed;
the cache key here covers every source file that has to do with compiled code.
"""

from __future__ import annotations

import hashlib
import logging
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar, cast

from numba import njit
from numba.core.caching import FunctionCache

from atmr_engine.inner import InnerCompiler

if TYPE_CHECKING:
    from collections.abc import Callable

logger = logging.getLogger(__name__)
compiler: Any = njit  # its declared types lack no_cfunc_wrapper
OPTIONS = {"nogil": True, "no_cfunc_wrapper": True, "error_model": "numpy"}
"""Free of the interpreter's lock; nobody calls it from C; no test for a division by zero."""
COUNTING, NO_COUNTING = {"_nrt": True}, {"_nrt": False}
"""Whether references to arrays are counted: for a state's forty that takes 0.3 us at every call."""
Function = TypeVar("Function", bound="Callable[..., Any]")


@cache
def source_digest() -> str:
    """A digest of the sources that compiled code depends on: all that name this module."""
    digest = hashlib.sha256()
    for path in sorted(Path(__file__).parent.rglob("*.py")):
        source = path.read_bytes()
        if b"atmr_engine.compiled" in source:
            digest.update(source)
    return digest.hexdigest()


class PackageCache(FunctionCache):
    """numba's cache on disk, with all compiled sources in the key."""

    def _index_key(self, sig: Any, codegen: Any) -> tuple[Any, ...]:
        numbas_own: Any = super()
        numbas_key = numbas_own._index_key(sig, codegen)  # noqa: SLF001 (extended, not replaced)
        return (*numbas_key, source_digest())


@cache
def warn_of_no_folder() -> None:
    """Say it once per process, not for each of many functions."""
    logger.warning(
        "no folder for compiled code can be written (set NUMBA_CACHE_DIR to one): it is compiled "
        "anew in each process, which takes the better part of a minute"
    )


def compiled(function: Function) -> Function:
    """Compile `function`, which makes no arrays, at its first call; keep the machine code on disk.

    numba writes beside the source, else to `NUMBA_CACHE_DIR` or the user's cache folder. Where
    none of them can be written, the code is compiled anew in every process, and a warning says so.
    """
    return kept_on_disk(function, {**OPTIONS, **NO_COUNTING})


def allocating(function: Function) -> Function:
    """Compile a `function` that makes arrays of its own; for what is not called all the time."""
    return kept_on_disk(function, {**OPTIONS, **COUNTING})


def kept_on_disk(function: Function, options: dict[str, Any]) -> Function:
    """Compile with the cache of this package."""
    dispatcher: Any = compiler(**options)(function)
    cache_class: Any = PackageCache
    try:
        cached = cache_class(function)
    except RuntimeError:
        warn_of_no_folder()
    else:
        dispatcher._cache = cached  # noqa: SLF001 (enable_caching would set numba's own key)
    return cast("Function", dispatcher)


def inner(function: Function) -> Function:
    """Compile a `function` that makes no arrays into whoever calls it; Python cannot.

    For what has no caller but compiled code: see `atmr_engine.inner` for what that saves.
    """
    return as_part(function, NO_COUNTING)


def inner_allocating(function: Function) -> Function:
    """Compile a `function` that makes arrays of its own as `inner` does."""
    return as_part(function, COUNTING)


def as_part(function: Function, counting: dict[str, bool]) -> Function:
    """Compile without a way in from Python, and so without anything to keep on disk."""
    options = {**OPTIONS, **counting, "no_cpython_wrapper": True}
    return cast("Function", compiler(**options, pipeline_class=InnerCompiler)(function))


def inlined(function: Function) -> Function:
    """Compile `function` into each caller: for one caller, or a few lines.

    A compiled function is optimised again with each function that calls it, so that a deep chain of
    calls takes long to compile; this one adds no link to the chain.
    """
    return cast("Function", njit(inline="always")(function))
