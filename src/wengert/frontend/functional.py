"""NumPy's functions of functions: along an axis, over axes, by pieces, element by element."""

from __future__ import annotations

import itertools
import re
import sys
from collections.abc import Callable
from typing import Any

import numpy as np
from numpy.lib.array_utils import normalize_axis_index

from wengert.core.trace import Tracer, current, plain
from wengert.core.types import dtype_of, ndim_of, shape_of
from wengert.errors import ConcretizationError, EscapeError, at_line, is_library_file
from wengert.frontend.asking import known, stand_in
from wengert.frontend.creation import CLASS_GUARDS, handle
from wengert.frontend.indexing import getitem
from wengert.frontend.reductions import as_condition
from wengert.frontend.tables import implements, tracers_in
from wengert.frontend.values import as_array
from wengert.ops.shape import reshape, stacked


def _array(x: Any) -> Any:
    """As NumPy's asarray: also numbers become arrays."""
    x = as_array(x)
    return x if isinstance(x, np.ndarray) else reshape(x, shape=())


def _stack(parts: list[Any], shape: tuple[int, ...]) -> Any:
    """Results of one shape, one for each place of ``shape``, as one array."""
    parts = [_array(p) for p in parts]
    if len({shape_of(p) for p in parts}) > 1:
        raise ValueError(f"the function gives results of different shapes, {[shape_of(p) for p in parts]}{at_line()}")
    out = stacked(parts)
    return reshape(out, shape=(*shape, *shape_of(parts[0])))


@implements(np.apply_along_axis)
def apply_along_axis(func1d: Any, axis: Any, arr: Any, *args: Any, **kwargs: Any) -> Any:
    """``func1d`` of each line of ``arr`` along an axis; the axes of its results stand where that axis stood."""
    x = _array(arr)
    axis = normalize_axis_index(axis, ndim_of(x))
    lines = np.moveaxis(x, axis, -1)
    rest = shape_of(lines)[:-1]
    if 0 in rest:
        raise ValueError(f"cannot apply_along_axis when any iteration dimensions are 0{at_line()}")
    parts = [_array(func1d(lines[at], *args, **kwargs)) for at in np.ndindex(rest)]
    out, extra = _stack(parts, rest), ndim_of(parts[0])
    return np.moveaxis(out, range(len(rest), len(rest) + extra), range(axis, axis + extra))


@implements(np.apply_over_axes)
def apply_over_axes(func: Any, a: Any, axes: Any) -> Any:
    """``func(a, axis)`` for one axis after another, each kept with length one."""
    out = _array(a)
    n = ndim_of(out)
    for axis in np.ravel(axes):
        axis = int(axis) + n if axis < 0 else int(axis)
        value = _array(func(out, axis))
        value = value if ndim_of(value) == ndim_of(out) else np.expand_dims(value, axis)
        if ndim_of(value) != ndim_of(out):
            raise ValueError(f"the function returns an array of shape {shape_of(value)} for axis {axis}{at_line()}")
        out = value
    return out


# ---- pieces


@implements(np.piecewise)
def piecewise(x: Any, condlist: Any, funclist: Any, *args: Any, **kw: Any) -> Any:
    """Each function of those elements for which its condition holds; of later conditions that hold, the last."""
    x = _array(x)
    conditions = _conditions(x, condlist)
    if len(conditions) == len(funclist) - 1:
        conditions.append(~np.any(np.stack(conditions), axis=0))
    if len(conditions) != len(funclist):
        n = len(conditions)
        raise ValueError(f"with {n} condition(s), either {n} or {n + 1} functions are expected{at_line()}")
    out = np.zeros(shape_of(x), dtype_of(x))
    for condition, function in zip(conditions, funclist, strict=True):
        if not callable(function):
            out = np.where(condition, _as_kind(function, dtype_of(x)), out)
        elif known(condition) is None:
            out = np.where(condition, _as_kind(_everywhere(x, condition, function, args, kw), dtype_of(x)), out)
        else:
            out = _somewhere(out, x, plain(condition), lambda v, f=function: f(v, *args, **kw))
    return out


def _conditions(x: Any, condlist: Any) -> list[Any]:
    """The conditions, of which one alone may stand without a list."""
    alone = np.isscalar(condlist) or (ndim_of(x) != 0 and not isinstance(condlist[0], list | np.ndarray))
    listed: Any = [condlist] if alone else condlist
    conditions = [as_condition(_array(c)) for c in listed]
    for c in conditions:
        np.zeros(shape_of(x), bool)[np.zeros(shape_of(c), bool)]  # NumPy's own error for a mask that does not fit
        np.broadcast_shapes(shape_of(c), shape_of(x))
    return [np.broadcast_to(c, shape_of(x)) for c in conditions]


def _as_kind(value: Any, kind: np.dtype[Any]) -> Any:
    """A value as NumPy writes it into the result, which is of the kind of ``x``; nothing traced is truncated."""
    value = as_array(value)
    if dtype_of(value) == kind:
        return value
    if isinstance(value, Tracer) and dtype_of(value).kind in "fc" and kind.kind in "iub":
        raise EscapeError(
            f"np.piecewise of an array of {kind} would truncate the traced values of its functions{at_line()}\n"
            "  write: x.astype(float) as its argument"
        )
    return value.astype(kind)


def _somewhere(out: Any, x: Any, condition: Any, function: Callable[[Any], Any]) -> Any:
    """What NumPy does: the function of the elements chosen, put where they came from."""
    if not np.any(condition):
        return out
    value = _as_kind(function(x[condition]), dtype_of(x))
    numbers = np.zeros(shape_of(x), int)
    count = int(np.count_nonzero(condition))
    numbers[condition] = np.arange(count)
    value = np.broadcast_to(value, (count,))
    return np.where(condition, value[numbers], out)


def _everywhere(x: Any, condition: Any, function: Any, args: Any, kw: Any) -> Any:
    """Where it is not known which elements are chosen: the function of all, one that is in place of the rest."""
    if not _by_element(function, dtype_of(x), stand_in(args), {name: stand_in(v) for name, v in kw.items()}):
        raise ConcretizationError(
            "np.piecewise with a function that does not (or may not) act on each element by itself, where it is not "
            f"known which elements it gets{at_line()}\n"
            "  write: np.where(condition, f(x), g(x)), or a loop over the rows in place of vmap"
        )
    flat, chosen = np.ravel(x), np.ravel(condition)
    spare = getitem(flat, np.argmax(chosen)) if shape_of(flat)[0] else 0.0
    value = function(np.where(chosen, flat, spare), *args, **kw)
    return np.reshape(np.broadcast_to(value, shape_of(flat)), shape_of(x))


def _by_element(function: Callable[..., Any], kind: np.dtype[Any], args: Any, kw: Any) -> bool:
    """Whether a function gives of the whole what it gives of each element, tried on plain numbers."""
    probe = np.array([-1.3, 0.2, 0.7, 2.6]).astype(kind)
    with np.errstate(all="ignore"):
        whole, *parts = [function(v.copy(), *args, **kw) for v in (probe, *np.split(probe, 4))]
    if tracers_in([whole, *parts]):
        return False
    apart = np.concatenate([np.broadcast_to(part, (1,)) for part in parts])
    return np.allclose(np.broadcast_to(whole, (4,)), apart, rtol=1e-10, equal_nan=True)


# ---- vectorize


def _core(text: str) -> list[tuple[str, ...]]:
    """The core dimensions in one side of a signature like ``(m,n),(n)->(m)``."""
    return [tuple(d.strip() for d in part.split(",") if d.strip()) for part in re.findall(r"\(([^)]*)\)", text)]


def vectorized(self: Any, *args: Any, **kwargs: Any) -> Any:
    """``np.vectorize(f)(...)`` where anything can be traced: ``f`` of each element, as NumPy's own loop."""
    library = is_library_file(sys._getframe(1).f_code.co_filename)  # pyright: ignore[reportPrivateUsage]
    plainly = self.pyfunc is np._NoValue or current() is None or library  # type: ignore[attr-defined]
    if plainly and not tracers_in((*args, *kwargs.values())):
        return _VECTORIZE(self, *args, **kwargs)
    names = [name for name in kwargs if name not in self.excluded]
    spread = [k for k in range(len(args)) if k not in self.excluded]
    values = [_array(args[k]) for k in spread] + [_array(kwargs[name]) for name in names]
    if not values:
        raise ValueError(f"np.vectorize of no argument at all: cannot call on size 0 inputs{at_line()}")

    def call(parts: list[Any]) -> Any:
        full = list(args)
        for k, part in zip(spread, parts, strict=False):
            full[k] = part
        return self.pyfunc(*full, **{**kwargs, **dict(zip(names, parts[len(spread) :], strict=True))})

    cores = [()] * len(values) if self.signature is None else _core(self.signature.split("->")[0])
    if len(cores) != len(values):
        raise TypeError(f"wrong number of positional arguments: expected {len(cores)}, got {len(values)}{at_line()}")
    return _loop(self, call, values, cores)


def _loop(self: Any, call: Callable[[list[Any]], Any], values: list[Any], cores: list[Any]) -> Any:
    sizes: dict[str, int] = {}
    for v, names in zip(values, cores, strict=True):
        if ndim_of(v) < len(names):
            raise ValueError(f"{ndim_of(v)}-dimensional argument does not have the core dimensions {names}{at_line()}")
        for name, n in zip(names, shape_of(v)[ndim_of(v) - len(names) :], strict=True):
            if sizes.setdefault(name, n) != n:
                raise ValueError(f"inconsistent size for core dimension {name!r}: {n} vs {sizes[name]}{at_line()}")
    leads = [shape_of(v)[: ndim_of(v) - len(names)] for v, names in zip(values, cores, strict=True)]
    shape = np.broadcast_shapes(*leads)
    whole = [np.broadcast_to(v, (*shape, *shape_of(v)[len(lead) :])) for v, lead in zip(values, leads, strict=True)]
    if 0 in shape and self.otypes is None:
        raise ValueError(f"cannot call `vectorize` on size 0 inputs unless `otypes` is set{at_line()}")
    # of plain numbers NumPy hands Python's own to the function
    whole = [v if isinstance(v, Tracer) or self.signature else v.astype(object) for v in whole]
    results = [call([v[at] for v in whole]) for at in np.ndindex(shape)]
    if not results:
        return _VECTORIZE(self, *[np.empty(shape_of(v)) for v in whole])
    several = isinstance(results[0], tuple)
    columns = list(zip(*results, strict=True)) if several else [tuple(results)]
    kinds: Any = itertools.repeat(None) if self.otypes is None else self.otypes
    out = [_column(list(column), shape, kind) for column, kind in zip(columns, kinds, strict=False)]
    return tuple(out) if several else out[0]


def _column(parts: list[Any], shape: tuple[int, ...], kind: str | None) -> Any:
    """One of the outputs; its dtype is that of the first result, where the caller does not say."""
    to = dtype_of(_array(parts[0])) if kind is None else np.dtype(kind)
    for part in parts:
        if isinstance(part, Tracer) and dtype_of(part).kind in "fc" and to.kind in "iub":
            raise EscapeError(
                f"np.vectorize makes an array of {to}, as its first result is, which would truncate a traced "
                f"{part.aval}{at_line()}\n  write: np.vectorize(f, otypes=[float])"
            )
    if not tracers_in(parts):
        out = np.stack([np.asarray(p) for p in parts]).astype(to.char)
        return handle(out.reshape((*shape, *np.shape(parts[0]))))
    return _stack([_array(p).astype(to) for p in parts], shape)


_VECTORIZE = np.vectorize.__call__
CLASS_GUARDS.append((np.vectorize, "__call__", vectorized))
