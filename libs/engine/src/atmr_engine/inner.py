"""Compile what only compiled code calls: no way in from Python, no machine code of its own.

numba gives each function machine code and a wrapper for Python's objects, longer than most
functions. What Python never calls needs neither: its intermediate code is linked into its callers
and optimised there. `atmr_engine.compiled` has the decorators, ADR 0027 the figures.
"""

from __future__ import annotations

import ctypes
from typing import Any

from numba.core.codegen import JITCodeLibrary
from numba.core.compiler import Compiler

REFUSE = ctypes.cast(ctypes.pythonapi.PyErr_BadArgument, ctypes.c_void_p).value or 0
"""What Python finds in the place of machine code: the interpreter's own way to raise TypeError."""


class NoEnvironment:
    """Stands for the code generator when numba registers a function's Python environment.

    The environment serves what builds Python objects, and compiled code here builds none.
    """

    def set_env(self, name: str, environment: object) -> None:
        """Register nothing: there is no machine code that could be given it."""


class InnerLibrary(JITCodeLibrary):
    """Code that waits to be linked into that of its callers."""

    def finalize(self) -> None:
        """Link what it calls itself; optimising is left to whoever has machine code made."""
        for library in dict.fromkeys(self._linking_libraries):
            self._reload_init.update(library._reload_init)  # noqa: SLF001 (as numba's own does)
            self._final_module.link_in(library._get_module_for_linking(), preserve=True)  # noqa: SLF001
        self._finalized = True

    @property
    def codegen(self) -> NoEnvironment:
        """Who is told of environments."""
        return NoEnvironment()

    def get_pointer_to_function(self, name: str) -> int:  # noqa: ARG002 (there is one answer)
        """What raises TypeError, whatever the name."""
        return REFUSE


class InnerCompiler(Compiler):
    """numba's compiler with a library that makes no machine code."""

    def __init__(self, *arguments: Any, **keywords: Any) -> None:
        super().__init__(*arguments, **keywords)  # type: ignore[no-untyped-call]
        generator = self.state.targetctx.codegen()
        self.state.library = InnerLibrary(generator, "inner")  # type: ignore[no-untyped-call]
