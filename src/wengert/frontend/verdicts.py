"""What is raised where a rule has failed: NumPy's own error if NumPy refuses the call too, else that it has no rule.

NumPy is asked only after a rule has raised something, so calls that go well pay nothing.
"""

from __future__ import annotations

import dis
import warnings
from collections.abc import Callable
from typing import Any

import numpy as np

from wengert.core.trace import Tracer, plain
from wengert.core.types import aval_of, shape_of
from wengert.errors import HOME, ConcretizationError, WengertError, at_line, is_library_file
from wengert.errors import UnsupportedError as Unsupported
from wengert.frontend.asking import rehearse, stand_in

__all__ = ["asked", "verdict"]

_LARGE = 10**6  # elements: larger arrays are not copied to ask about them
# what says nothing about the call itself
_NOT_OF_THE_CALL = (WengertError, Warning, FloatingPointError, MemoryError)


def verdict(error: Exception, name: str, function: Callable[..., Any], args: Any, kwargs: Any) -> Exception:
    """The error to raise instead of the one that a rule for ``function`` has raised.

    It stays as it is where it comes from the user's own code, or teaches already.
    """
    inputs = (*args, *kwargs.values())
    if isinstance(error, _NOT_OF_THE_CALL) or _of_the_user(error) or _calls_back(inputs):
        return error
    with np.errstate(all="ignore"), warnings.catch_warnings():
        warnings.simplefilter("ignore")
        try:
            function(*[_copy(x) for x in args], **{key: _copy(value) for key, value in kwargs.items()})
        except Exception as numpys:  # noqa: BLE001 - whatever NumPy raises is the answer
            return error if isinstance(error, type(numpys)) and _raised_here(error) else numpys.with_traceback(None)
    if "write:" in str(error):
        return error
    return Unsupported(
        f"{name} has no rule for this call, which NumPy accepts ({type(error).__name__}: {error}){at_line()}\n"
        "  write: the call with plain arguments (arrays, numbers, tuples of ints), or, if no derivative is wanted\n"
        "  of it, apply it to wengert.stop_gradient(x)"
    )


def asked(function: Callable[..., Any], rule: Callable[..., Any], operands: int = 1) -> Callable[..., Any]:
    """A rule that has NumPy judge the options of a call first, if there are any: also those that the rule ignores."""

    def strict(*args: Any, **kwargs: Any) -> Any:
        if kwargs or len(args) > operands:
            rehearse(function, *args, **kwargs)
        return rule(*args, **kwargs)

    return strict


def _copy(x: Any) -> Any:
    """A plain value to ask NumPy with, which it may write into: the same numbers where they are known."""
    if type(x) in (list, tuple):
        return type(x)(_copy(e) for e in x)
    if not isinstance(x, Tracer | np.ndarray):
        return x
    if aval_of(x).kind == "array" and np.prod(shape_of(x), dtype=float) > _LARGE:
        return stand_in(x)
    try:
        value = plain(x) if isinstance(x, Tracer) else x
    except ConcretizationError:
        value = stand_in(x)
    return value.copy() if isinstance(value, np.ndarray) else value


def _of_the_user(error: Exception) -> bool:
    """Whether an error passed through code that is neither the library's nor an installed one's."""
    step = error.__traceback__
    while step is not None:
        if not is_library_file(step.tb_frame.f_code.co_filename):
            return True
        step = step.tb_next
    return False


def _raised_here(error: Exception) -> bool:
    """Whether this library has raised an error by itself, in words of its own."""
    step = error.__traceback__
    if step is None:
        return False
    while step.tb_next is not None:
        step = step.tb_next
    code = step.tb_frame.f_code
    return code.co_filename.startswith(HOME) and dis.opname[code.co_code[step.tb_lasti]].startswith("RAISE")


def _calls_back(inputs: Any) -> bool:
    """Whether functions of the user's are among the arguments, which must not run again."""
    for x in inputs:
        if type(x) in (list, tuple):
            if _calls_back(x):
                return True
        elif callable(x) and not isinstance(x, type | np.ufunc | Tracer | np.ndarray):
            return True
    return False
