"""The error tree. Every error teaches: what happened, where, and the line to write instead."""

from __future__ import annotations

import dis
import linecache
import os
import sys
import sysconfig
from functools import cache
from types import FrameType

__all__ = [
    "CompileError",
    "ConcretizationError",
    "DataError",
    "DerivativeError",
    "DivergenceError",
    "EscapeError",
    "FlatDerivativeWarning",
    "GradientCheckError",
    "InterpretedWarning",
    "LeakError",
    "ModelError",
    "NonFiniteError",
    "ProgramError",
    "RetraceWarning",
    "ShapeError",
    "TraceError",
    "UnsupportedError",
    "WengertError",
    "user_line",
]


class WengertError(Exception):
    """Root of every error that this library raises of its own accord."""


class TraceError(WengertError, TypeError):
    """A traced value was used in a way that the trace cannot follow."""


class EscapeError(TraceError):
    """A traced value would have left its trace (``float(x)``, ``math.sin(x)``, a foreign buffer)."""


class LeakError(TraceError):
    """A traced value was used after, or outside, the transform that made it."""


class ConcretizationError(TraceError):
    """A concrete value was wanted of a value that is abstract while staging or batching."""


class DerivativeError(WengertError, TypeError):
    """A derivative was asked for that does not exist or is not defined as asked."""


class UnsupportedError(WengertError, NotImplementedError):
    """A function, or a form of its call, that has no rule (yet); the message names it."""


class ShapeError(WengertError, ValueError):
    """Shapes do not fit; the message shows them."""


class ProgramError(WengertError, ValueError):
    """A Program is ill-formed; raised by its typechecker."""


class CompileError(WengertError, RuntimeError):
    """Machine code could not be made, or could not be run."""


class ModelError(WengertError, ValueError):
    """A model, layer or optimiser was put together or called wrongly."""


class DivergenceError(ModelError):
    """Training has diverged: the loss is NaN or infinite."""


class DataError(WengertError, ValueError):
    """A table or data set cannot be used as asked."""


class NonFiniteError(WengertError, FloatingPointError):
    """Inside ``wengert.debug()``: an operation made a NaN or infinity out of finite numbers."""


class GradientCheckError(WengertError, AssertionError):
    """``check_grads`` found a derivative that differs from finite differences."""


class FlatDerivativeWarning(UserWarning):
    """A derivative is zero only because the result reaches its input through flat operations."""


class InterpretedWarning(UserWarning):
    """``jit`` interprets, because what makes machine code is not installed."""


class RetraceWarning(UserWarning):
    """A function under ``jit`` is staged again and again, for a cause that the message names."""


@cache
def _library_roots() -> tuple[str, ...]:
    paths = sysconfig.get_paths()
    names = ("stdlib", "platstdlib", "purelib", "platlib")
    roots = {os.path.realpath(paths[name]) for name in names} | {paths[name] for name in names}
    roots.add(os.path.dirname(os.path.abspath(__file__)))
    return tuple(root + os.sep for root in roots)


@cache
def is_library_file(filename: str) -> bool:
    """Whether ``filename`` belongs to an installed library, the standard library, or to us."""
    if filename.startswith("<frozen"):
        return True
    return os.path.abspath(filename).startswith(_library_roots()) and not filename.startswith("<")


def user_frame() -> FrameType | None:
    """The innermost frame of the caller that is not in a library, or the innermost of any."""
    frame: FrameType | None = sys._getframe(1)  # pyright: ignore[reportPrivateUsage]  # inspect's is slower
    while frame is not None and is_library_file(frame.f_code.co_filename):
        frame = frame.f_back
    return frame


def user_place() -> tuple[str, int]:
    """File and line number of :func:`user_frame`; cheap, to be shown later if at all."""
    frame = user_frame()
    return (frame.f_code.co_filename, frame.f_lineno) if frame is not None else ("", 0)


def place_line(place: tuple[str, int]) -> str:
    """``file:line: source`` of a place, or an empty string."""
    filename, number = place
    if not filename:
        return ""
    source = linecache.getline(filename, number).strip()
    return f"{filename}:{number}" + (f": {source}" if source else "")


def user_line() -> str:
    """The user's line that led here, as ``file:line: source``.

    Example:
        >>> from wengert.errors import user_line
        >>> isinstance(user_line(), str)
        True
    """
    return place_line(user_place())


def teach(error: Exception) -> None:
    """Add to an error that compiled code has raised in a function under a transform where it was, and what to write.

    Python's own casts and C extensions refuse a traced value in words of their own. What Python code raises by itself
    is left as it is.
    """
    if isinstance(error, WengertError) or getattr(error, "__notes__", None):
        return
    frame, place, compiled, ours = error.__traceback__, ("", 0), False, False
    while frame is not None:
        code = frame.tb_frame.f_code
        compiled = not dis.opname[code.co_code[frame.tb_lasti]].startswith(("RAISE", "RERAISE"))
        ours = code.co_filename.startswith(HOME)
        if not is_library_file(code.co_filename) and code.co_filename != "<string>" and ".pyx" not in code.co_filename:
            place = (code.co_filename, frame.tb_lineno)
        frame = frame.tb_next
    if place[0] and (isinstance(error, TypeError | AttributeError) or compiled) and not ours:
        error.add_note(
            f"  while a function is traced, at {place_line(place)}\n"
            "  if this is compiled code, or a library, that cannot follow a traced value, write: its like in np,\n"
            "  an array made inside the function by np, or wengert.stop_gradient(x) where no derivative is wanted of it"
        )


HOME = os.path.dirname(os.path.abspath(__file__)) + os.sep


def at_line() -> str:
    """A clause ``  at file:line: source`` on a line of its own, for the end of a message."""
    line = user_line()
    return f"\n  at {line}" if line else ""
