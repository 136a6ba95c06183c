"""Machine code is loaded by those who want it: LLVM weighs more than all the rest."""

from __future__ import annotations

from importlib import import_module

__all__ = ["machine_code"]


def machine_code() -> bool:
    """Whether Programs can become machine code here; loads what makes it, which then takes the interpreter's place.

    Example:
        >>> from wengert.transforms.loading import machine_code
        >>> isinstance(machine_code(), bool)
        True
    """
    try:
        import_module("wengert.compile")
    except ImportError:
        return False
    return True
