"""The engine: abstract values, primitives, traces and Programs. It knows no array function by name."""

from wengert.core import memory

__all__ = ["memory"]
