"""Machine code is loaded by those who want it: LLVM weighs more than all the rest."""

from __future__ import annotations

import functools
import warnings
from importlib import import_module

from wengert.errors import InterpretedWarning

__all__ = ["machine_code", "warn_of_interpreting"]


def machine_code() -> bool:
    """Whether Programs can become machine code here; loads what makes it, which then takes the interpreter's place.

    Example:
        >>> from wengert.transforms.loading import machine_code
        >>> isinstance(machine_code(), bool)
        True
    """
    try:
        import_module("wengert.compile")
    except (ImportError, OSError) as problem:  # llvmlite is not there, or its library cannot be loaded
        if (getattr(problem, "name", None) or "").startswith("wengert.compile."):
            raise
        return False
    return True


@functools.cache
def warn_of_interpreting() -> None:
    """Say once that ``jit`` gives the same numbers here, and no speed."""
    warnings.warn(
        "jit interprets here, at NumPy's speed: llvmlite, which makes its machine code, cannot be loaded\n"
        "  write: pip install llvmlite",
        InterpretedWarning,
        stacklevel=3,
    )
