"""A function in a Python file of the user's, and a point to evaluate it at."""

from __future__ import annotations

import ast
import contextlib
import difflib
import functools
import importlib.util
import inspect
import linecache
import reprlib
import sys
import traceback
from collections.abc import Callable, Generator, Iterator, Sequence
from pathlib import Path
from types import ModuleType
from typing import Any

import numpy as np

from wengert import pytree
from wengert.errors import DataError, WengertError

__all__ = ["differentiable", "errors_told", "function_at", "load_function", "of_numbers", "place", "shown"]

Function = Callable[..., Any]


def function_at(reference: str, at: Sequence[str] | None, may_fail: bool = False) -> tuple[Function, list[Any]]:
    """The function ``FILE.py:name`` and its arguments: those typed, or a point that suits it.

    Numbers become float64, so that they can be differentiated, unless the parameter is annotated ``int``. With
    ``may_fail`` the function may raise an exception at a point that was typed.
    """
    function = load_function(reference)
    if at is None:
        return function, _default_point(function)
    values = [_value(text) for text in at]
    _check_number(function, values)
    point = [_typed(value, kind) for value, kind in zip(values, _annotations(function), strict=False)]
    point += [_typed(value, None) for value in values[len(point) :]]
    try:
        result = _evaluate(function, point)
    except DataError:
        if not may_fail:
            raise
        return function, point
    _check_result(function, point, result)
    return function, point


def differentiable(point: list[Any]) -> tuple[int, ...]:
    """Which arguments are real numbers or arrays of them.

    Example:
        >>> differentiable([2.0, 3, "name"])
        (0,)
    """
    free = tuple(i for i, value in enumerate(point) if isinstance(value, float | np.ndarray))
    if not free:
        raise DataError("no argument is a number that can be differentiated; write --at 3.0, not a name")
    return free


def of_numbers(function: Function, point: list[Any]) -> tuple[Function, list[Any]]:
    """The function of its real arguments alone, the others (an ``int``, a name) held where they are."""
    free = differentiable(point)
    if len(free) == len(point):
        return function, point

    @functools.wraps(function)
    def held(*values: Any) -> Any:
        arguments = list(point)
        for i, value in zip(free, values, strict=True):
            arguments[i] = value
        return function(*arguments)

    return held, [point[i] for i in free]


# ---- the function -----------------------------------------------------------------------------


def load_function(reference: str) -> Function:
    """The function that ``FILE.py:name`` names.

    Raises:
        DataError: if the file or the function is not there, or the file cannot be run.
    """
    file, _, name = reference.rpartition(":")
    if not file or not name:
        raise DataError(f'"{reference}" names no function; write FILE.py:function, as in losses.py:half_sse')
    module = _run(Path(file))
    found = getattr(module, name, None)
    if not callable(found):
        own = [
            key
            for key, value in vars(module).items()
            if inspect.isfunction(value) and value.__module__ == module.__name__
        ]
        near = difflib.get_close_matches(name, own, n=1)
        hint = f' Did you mean "{near[0]}"?' if near else ""
        raise DataError(f'"{file}" has no function "{name}".{hint} It has: {", ".join(own) or "none"}')
    return found


def _run(path: Path) -> ModuleType:
    if not path.is_file():
        raise DataError(f'there is no file "{path}"; write FILE.py:function')
    spec = importlib.util.spec_from_file_location(path.stem, path)
    if spec is None or spec.loader is None:
        raise DataError(f'"{path.name}" is no Python file; its name ends in .py')
    module = importlib.util.module_from_spec(spec)
    # as Python does for a script: its neighbours can be imported, dataclasses find their module
    sys.path.insert(0, str(path.resolve().parent))
    before = sys.modules.get(path.stem)
    sys.modules[path.stem] = module
    try:
        spec.loader.exec_module(module)
    except (Exception, SystemExit) as error:
        raise DataError(f'"{path}" cannot be run: {_told(error, _frames_in(path, error))}') from error
    finally:
        sys.path.pop(0)
        if before is not None:
            sys.modules[path.stem] = before
    return module


def _frames_in(path: Path, error: BaseException) -> list[traceback.FrameSummary]:
    frames = traceback.extract_tb(error.__traceback__)
    return [frame for frame in frames if Path(frame.filename).resolve() == path.resolve()]


def _told(error: BaseException, own: list[traceback.FrameSummary]) -> str:
    """The error with the last line of the user's that it passed."""
    if isinstance(error, SyntaxError):
        return f"SyntaxError: {error.msg} (line {error.lineno})"
    where = f" (line {own[-1].lineno}: {own[-1].line})" if own else ""
    return f"{type(error).__name__}: {error}".removesuffix(": ") + where


# ---- the point --------------------------------------------------------------------------------


def _value(text: str) -> Any:
    try:
        return ast.literal_eval(text.strip())
    except (ValueError, SyntaxError):
        raise DataError(
            f"--at {text} is neither a number nor a list of numbers; write 0.5 or '[1.0, 2.0]', one for each argument"
        ) from None


def _typed(value: Any, annotation: Any) -> Any:
    if annotation in (int, "int", bool, "bool", str, "str") or isinstance(value, str | bool | None):
        return value
    try:
        array = np.asarray(value, dtype=np.float64)
    except (TypeError, ValueError):
        raise DataError(f"{value!r} is no array of numbers; the rows of a list must be of one length") from None
    return float(array) if array.ndim == 0 else array


def _parameters(function: Function) -> list[inspect.Parameter]:
    try:
        found = inspect.signature(function).parameters.values()
    except (TypeError, ValueError):
        return []
    return [each for each in found if each.kind in (each.POSITIONAL_ONLY, each.POSITIONAL_OR_KEYWORD)]


def _annotations(function: Function) -> list[Any]:
    return [parameter.annotation for parameter in _parameters(function)]


def _check_number(function: Function, values: list[Any]) -> None:
    try:
        signature = inspect.signature(function)
    except (TypeError, ValueError):
        return
    try:
        signature.bind(*values)
    except TypeError as error:
        given = "1 value" if len(values) == 1 else f"{len(values)} values"
        raise DataError(
            f"{_name(function)}{signature} cannot be called with the {given} of --at: {error}; "
            f"give one value for each argument"
        ) from None


def _default_point(function: Function) -> list[Any]:
    """The first of a few points at which the function can be evaluated: numbers, vectors, a matrix."""
    needed = [each for each in _parameters(function) if each.default is each.empty]
    failures: list[DataError] = []
    for point in _candidates(len(needed)) if needed else ():
        try:
            result = _evaluate(function, point)
        except DataError as error:
            failures.append(error)
            continue
        _check_result(function, point, result)
        return point
    raise DataError(
        f"no point was found at which {_name(function)} can be evaluated; give one: --at 0.5 or --at '[1.0, 2.0]', "
        f"one value for each argument" + (f"\n  {failures[0]}" if failures else "")
    )


def _candidates(n: int) -> Iterator[list[Any]]:
    # irregular numbers, so that no symmetry of the function hides a wrong derivative
    for shape in ((), (3,), (3, 3)):
        size = int(np.prod(shape))
        values = [0.3 + 0.7 * np.sin(1 + np.arange(size) + 1.7 * i).reshape(shape) ** 2 for i in range(n)]
        yield [float(value) if not shape else value for value in values]


def _evaluate(function: Function, point: list[Any]) -> Any:
    """Call the function once with plain values, so that an error of its own is told from one of ours."""
    with errors_told(function, f"fails at {shown(point)}"), np.errstate(all="ignore"):
        return function(*[value.copy() if isinstance(value, np.ndarray) else value for value in point])


@contextlib.contextmanager
def errors_told(function: Function, what: str) -> Generator[None]:
    """Whatever the user's function raises becomes a DataError that shows its line; our own errors pass."""
    try:
        yield
    except WengertError:
        raise
    except (Exception, SystemExit) as error:
        code = getattr(inspect.unwrap(function), "__code__", None)
        own = _frames_in(Path(code.co_filename), error) if code else []
        if not own and _is_of_library(error):
            raise
        raise DataError(f"{_name(function)} {what}: {_told(error, own)}") from error


def _is_of_library(error: BaseException) -> bool:
    package, command = Path(__file__).parents[1], Path(__file__).parent
    where = Path(traceback.extract_tb(error.__traceback__)[-1].filename)
    return where.is_relative_to(package) and not where.is_relative_to(command)


def _check_result(function: Function, point: list[Any], result: Any) -> None:
    """Raise a DataError unless all that the function returns is real numbers."""
    leaves = pytree.leaves(result)
    wrong = [leaf for leaf in leaves if np.asarray(leaf).dtype.kind not in "biuf"]
    if leaves and not wrong:
        return
    value = wrong[0] if wrong else result
    if np.iscomplexobj(value):
        fix = "complex numbers: return real ones, such as np.abs(z), z.real or z.imag"
    elif value is None:
        fix = "None: end it with a line that returns a number"
    else:
        fix = f"{reprlib.repr(value)}, a {type(value).__name__}: return a number or an array of numbers"
    raise DataError(f"{_name(function)} has no derivative at {shown(point)}, where it returns {fix}{place(function)}")


def place(function: Function) -> str:
    """Where the function stands in its file, a line for the end of a message."""
    code = getattr(inspect.unwrap(function), "__code__", None)
    if code is None:
        return ""
    source = linecache.getline(code.co_filename, code.co_firstlineno).strip()
    return f"\n  at {code.co_filename}:{code.co_firstlineno}: {source}"


def _name(function: Function) -> str:
    return getattr(function, "__name__", "the function")


def shown(point: list[Any]) -> str:
    """A point for a message."""
    return ", ".join(np.array2string(np.asarray(value), precision=4, threshold=8) for value in point)
