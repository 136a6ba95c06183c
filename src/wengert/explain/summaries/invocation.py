"""What is called with what: a model and its data, as users say it."""

from __future__ import annotations

import functools
import inspect
import reprlib
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from wengert import pytree
from wengert.errors import ModelError, at_line
from wengert.explain.explaining import argument_names
from wengert.explain.summaries.layer_calls import described, is_layer
from wengert.explain.summaries.watching import Placeholder
from wengert.transforms.inputs import is_number, name_of

__all__ = ["Invocation"]


@dataclass(frozen=True)
class Invocation:
    """A call to be summarised: ``f`` (None where the first argument is the model itself), and its arguments.

    ``paths`` are the names that the paths of arguments begin with, ``learned`` the positions of those with parameters.
    """

    name: str
    f: Callable[..., Any] | None
    args: tuple[Any, ...]
    paths: tuple[str, ...]
    learned: frozenset[int]
    kwargs: dict[str, Any]
    notes: tuple[str, ...] = ()

    @staticmethod
    def of(model: Any, data: Any, learned: int | Sequence[int] | None, kwargs: dict[str, Any]) -> Invocation:
        """The call that a user has described."""
        if not callable(model) or isinstance(model, type):
            raise ModelError(
                f"summary takes a model that can be called, and not {_a(model)}{at_line()}\n"
                "  write: summary(model, (32, 10)), with the model first and its data, or their shape, second"
            )
        model = _unwrapped(model)
        if data is None:
            width = next((np.shape(x)[0] for x in pytree.leaves(model) if len(np.shape(x)) == 2), 10)
            raise ModelError(
                f"summary({described(model) if _is_tree(model) else name_of(model)}) needs data, or their shape: sizes "
                f"of outputs depend on it{at_line()}\n  write: wengert.summary(model, (32, {width})), for 32 rows"
            )
        if isinstance(model, functools.partial):
            inner = Invocation.of(model.func, (), learned, {**model.keywords, **kwargs})
            return inner.with_arguments((*model.args, *_arguments(data)), learned)
        if inspect.ismethod(model) and _is_tree(model.__self__):
            return _of_tree(model.__self__, model.__func__, name_of(model), data, kwargs)
        if _is_tree(model):
            return _of_tree(model, None, described(model), data, kwargs)
        notes = () if hasattr(model, "__name__") else (
            f"{type(model).__name__} is no tree, so its parameters are not known: write @dataclass(frozen=True) above "
            "its class, and its arrays as fields",
        )  # fmt: skip
        return Invocation(name_of(model), model, (), (), frozenset(), kwargs, notes).with_arguments(
            _arguments(data), learned
        )

    def with_arguments(self, args: tuple[Any, ...], learned: int | Sequence[int] | None) -> Invocation:
        """The same function with these arguments."""
        assert self.f is not None
        positions = (
            [k for k, x in enumerate(args) if _is_tree(x)] if learned is None else np.atleast_1d(learned).tolist()
        )
        wrong = [k for k in positions if not -len(args) <= k < len(args)]
        if wrong:
            raise ModelError(
                f"summary: learned={learned}, and {self.name} is given {len(args)} arguments{at_line()}\n"
                f"  write: positions from 0 to {len(args) - 1}"
            )
        args = tuple(_with_dtype(x, _dtype([args[k] for k in positions])) for x in args)
        paths = tuple(argument_names(self.f, len(args)))
        return replace(self, args=args, paths=paths, learned=frozenset(k % len(args) for k in positions))

    @property
    def data(self) -> tuple[str, ...]:
        """The arguments that are not learned, by their shapes."""
        return tuple(_shown(x) for k, x in enumerate(self.args) if k not in self.learned)


def _of_tree(model: Any, f: Any, name: str, data: Any, kwargs: dict[str, Any]) -> Invocation:
    given = tuple(_with_dtype(x, _dtype([model])) for x in _arguments(data))
    return Invocation(name, f, (model, *given), ("", *(f"x{k}" for k in range(len(given)))), frozenset({0}), kwargs)


def _unwrapped(model: Any) -> Any:
    """What a jitted model is made of: staged before, it would not be called again."""
    inner = getattr(model, "__wrapped__", None)
    return inner if inner is not None and hasattr(model, "report") and callable(inner) else model


def _is_tree(x: Any) -> bool:
    """Whether it is a container of numbers."""
    leaves = [] if isinstance(x, Placeholder) else pytree.leaves(x)
    return not (len(leaves) == 1 and leaves[0] is x) and (is_layer(x) or any(map(is_number, leaves)))


def _is_shape(x: Any) -> bool:
    return isinstance(x, tuple) and bool(x) and all(isinstance(n, int | np.integer | None) for n in x)


def _arguments(data: Any) -> tuple[Any, ...]:
    """The positional arguments that ``data`` stands for."""
    if isinstance(data, tuple) and not _is_shape(data) and not hasattr(data, "_fields"):
        return tuple(map(_argument, data))
    return (_argument(data),)


def _argument(x: Any) -> Any:
    if _is_shape(x):
        if any(n is None or n < 0 for n in x):
            raise ModelError(
                f"summary: the shape {x} is not known in full{at_line()}\n"
                f"  write: {tuple(32 if n is None or n < 0 else n for n in x)}, with the number of rows of a batch"
            )
        return Placeholder(tuple(map(int, x)), np.float64)
    if isinstance(x, list) and all(isinstance(each, int | float | list) for each in x):
        return np.asarray(x)
    return np.asarray(x) if hasattr(x, "__array__") and not isinstance(x, np.ndarray | np.generic) else x


def _dtype(trees: Sequence[Any]) -> Any:
    """The type of data that goes with these parameters."""
    found = [x.dtype for x in pytree.leaves(list(trees)) if isinstance(x, np.ndarray) and x.dtype.kind in "fc"]
    return np.result_type(*found) if found else np.dtype(float)


def _with_dtype(x: Any, dtype: Any) -> Any:
    return Placeholder(x.aval.shape, dtype) if isinstance(x, Placeholder) else x


def _shown(x: Any) -> str:
    if isinstance(x, Placeholder):
        return str(x.aval.shape)
    return str(x.shape) if isinstance(x, np.ndarray) else type(x).__name__ if not is_number(x) else f"{x!r}"


def _a(x: Any) -> str:
    return f"the class {x.__name__} itself" if isinstance(x, type) else f"{type(x).__name__} {reprlib.repr(x)}"
