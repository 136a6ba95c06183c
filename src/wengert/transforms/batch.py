"""vmap: a function of one element, run on all elements at once.

A batch tracer holds an array with the batch at axis 0; each record knows how to compute with that axis.
"""

from __future__ import annotations

import functools
from collections.abc import Callable
from typing import Any

import numpy as np

from wengert import pytree
from wengert.core.primitive import Primitive
from wengert.core.trace import ArrayTracer, Constant, Trace, Tracer, bind, fresh_handle, fresh_level, leaked, sample
from wengert.core.types import Aval, aval_of, is_array, ndim_of, shape_of
from wengert.errors import ConcretizationError, ShapeError, at_line
from wengert.transforms.inputs import distinct, enter_constants, leave, name_of, run
from wengert.transforms.rewriting import suggestion

__all__ = ["vmap"]


class BatchScalar(Tracer):
    """A number for each element of the batch: ``v`` has shape (batch,)."""

    __slots__ = ()

    @property
    def aval(self) -> Aval:
        return Aval((), aval_of(self.v).dtype, "scalar")

    @property
    def shape(self) -> tuple[int, ...]:
        return ()

    def concrete(self) -> Any:
        raise abstract(self)


class BatchArray(ArrayTracer):
    """An array for each element of the batch: ``v`` has shape (batch, ...).

    Handles that are not batched (yet) have ``i`` False, and ``v`` without the batch axis.
    """

    __slots__ = ()

    @property
    def aval(self) -> Aval:
        aval = aval_of(self.v)
        return Aval(aval.shape[1:] if self.i else aval.shape, aval.dtype, "array")

    @property
    def shape(self) -> tuple[int, ...]:
        shape = shape_of(self.v)
        return shape[1:] if self.i else shape

    def concrete(self) -> Any:
        if not self.i:
            return self.v
        raise abstract(self)

    def sample(self) -> Any:
        stack = sample(self.v)
        if not self.i:
            return stack
        if not len(stack):
            return np.empty(self.shape)
        # an element lies as it would by itself, but for the batch axis, which may stand between its own
        return np.empty_like(stack[0], order="K") if is_dense(stack) else stack[0]


def is_dense(x: np.ndarray[Any, Any]) -> bool:
    """Whether the elements of ``x`` fill their memory, in whichever order of axes."""
    step = x.itemsize
    for stride, n in sorted(zip(x.strides, x.shape, strict=True)):
        if n > 1 and stride != step:
            return False
        step *= n
    return True


def abstract(x: Tracer) -> ConcretizationError:
    """The error for a batch of values where one is wanted."""
    general = "np.where(condition, a, b) in place of `if`, or a loop over the rows in place of vmap"
    return ConcretizationError(
        f"under vmap this {x.aval} stands for a whole batch of values; it has no single value to branch on, convert "
        f"or print{at_line()}\n{suggestion(general)}"
    )


class Batch(Trace):
    """The trace of a vmap over ``size`` elements."""

    __slots__ = ("around", "level", "open", "size")
    scalar, array = BatchScalar, BatchArray

    def __init__(self, size: int) -> None:
        self.level = fresh_level()
        self.size = size
        self.open = True

    def tracer(self, value: Any, batched: bool = True, array: bool = False) -> Any:
        """A tracer for a stack of values, of numbers or (with ``array``) of arrays, also of those without axes."""
        cls = BatchArray if array or not batched or ndim_of(value) > 1 else BatchScalar
        z = cls.__new__(cls)
        z.v, z.t, z.i, z.born = value, self, batched, fresh_level()
        return z

    def lift(self, value: Any) -> Any:
        return self.tracer(fresh_handle(value) if isinstance(value, ArrayTracer) else value, batched=False)

    def process(self, primitive: Primitive, operands: tuple[Any, ...], params: dict[str, Any]) -> Any:
        if not self.open:
            raise leaked("the vmap")
        values: list[Any] = []
        batched: list[bool] = []
        for x in operands:
            mine = isinstance(x, Tracer) and type(x) is not Constant and x.t is self
            values.append(x.v if mine or type(x) is Constant else x)
            batched.append(bool(mine and x.i))
        if not any(batched):
            out = bind(primitive, *values, **params)
            wrap: Callable[[Any], Any] = lambda o: self.tracer(o, batched=False) if is_array(o) else o
        else:
            out = primitive.batch(batched, values, params)
            if any([ndim_of(o) == 1 for o in out] if primitive.multiple else [ndim_of(out) == 1]):
                return self.without_axes(primitive, out, operands, params)
            wrap = self.tracer
        return tuple(wrap(o) for o in out) if primitive.multiple else wrap(out)

    def without_axes(self, primitive: Primitive, out: Any, operands: tuple[Any, ...], params: dict[str, Any]) -> Any:
        """Tracers for results of which some have no axes: whether these are numbers or arrays is inferred."""
        inferred = primitive.infer(*(aval_of(x) for x in operands), **params)
        if not primitive.multiple:
            return self.tracer(out, array=inferred.kind == "array")
        return tuple(self.tracer(o, array=a.kind == "array") for o, a in zip(out, inferred, strict=True))


def vmap(f: Callable[..., Any], in_axes: Any = 0, out_axes: Any = 0) -> Callable[..., Any]:
    """``f`` over an axis of its arguments, as one computation.

    ``in_axes`` is an axis, None for what all elements share, or a tuple with one of these (or a tree of them)
    for each argument; ``out_axes`` says where the batch axis stands in each output. Keyword arguments are
    shared. No loop over elements is run, save where an operation has no batched form.

    Raises:
        ShapeError: if the arguments' batch axes differ in length.

    Example:
        >>> import numpy as np
        >>> from wengert import grad, vmap
        >>> vmap(grad(np.sin))(np.array([0.0, np.pi]))
        array([ 1., -1.])
        >>> vmap(np.dot, in_axes=(0, None))(np.eye(2), np.array([3.0, 4.0]))
        array([3., 4.])
    """

    @functools.wraps(f, updated=())
    def batched(*args: Any, **kwargs: Any) -> Any:
        axes = in_axes if isinstance(in_axes, tuple | list) else (in_axes,) * len(args)
        if len(axes) != len(args):
            raise ShapeError(
                f"vmap({name_of(f)}): in_axes={in_axes} names {len(axes)} arguments, the call has {len(args)}"
                f"{at_line()}"
            )
        flat = [_axes_of_leaves(f, arg, axis, k) for k, (arg, axis) in enumerate(zip(args, axes, strict=True))]
        size = _common_size(f, flat)
        trace = Batch(size)
        entered = [
            pytree.unflatten(treedef, [_enter(trace, x, axis) for x, axis in zip(leaves, leaf_axes, strict=True)])
            for leaves, leaf_axes, treedef in flat
        ]
        out = run(trace, f, entered, enter_constants(trace, kwargs))
        trace.open = False
        return _leave(trace, out, out_axes)

    return batched


def _axes_of_leaves(f: Any, arg: Any, axis: Any, k: int) -> tuple[list[Any], list[Any], pytree.TreeDef]:
    leaves, treedef = pytree.flatten(arg)
    if axis is None or isinstance(axis, int):
        return leaves, [axis] * len(leaves), treedef
    return leaves, _prefix(axis, treedef, f"vmap({name_of(f)}): in_axes[{k}]"), treedef


def _prefix(axis: Any, treedef: pytree.TreeDef, what: str) -> list[Any]:
    """A tree of axes stretched over the structure it is a prefix of."""
    if axis is None or isinstance(axis, int):
        return [axis] * treedef.size
    parts: Any = None
    if isinstance(axis, dict):
        parts = [axis.get(key) for key in treedef.meta] if set(axis) == set(treedef.meta or ()) else None
    elif isinstance(axis, list | tuple) and issubclass(treedef.kind or int, list | tuple):
        parts = axis
    if parts is None or len(parts) != len(treedef.children):
        raise ShapeError(f"{what} = {axis} does not fit the structure {treedef}{at_line()}")
    return [a for part, child in zip(parts, treedef.children, strict=True) for a in _prefix(part, child, what)]


def _common_size(f: Any, flat: Any) -> int:
    sizes: dict[int, str] = {}
    for k, (leaves, axes, _) in enumerate(flat):
        for x, axis in zip(leaves, axes, strict=True):
            if axis is None:
                continue
            shape = shape_of(x)
            if not -len(shape) <= axis < len(shape):
                raise ShapeError(
                    f"vmap({name_of(f)}): argument {k} has shape {shape}, and no axis {axis} to run over{at_line()}\n"
                    "  write: in_axes with None for arguments that all elements share"
                )
            sizes.setdefault(shape[axis], f"argument {k} has {shape[axis]} along axis {axis} (shape {shape})")
    if not sizes:
        raise ShapeError(
            f"vmap({name_of(f)}): no argument has a batch axis{at_line()}\n  write: in_axes=0 for one of them"
        )
    if len(sizes) > 1:
        raise ShapeError(f"vmap({name_of(f)}): batch axes differ in length: {'; '.join(sizes.values())}{at_line()}")
    return next(iter(sizes))


def _enter(trace: Batch, x: Any, axis: int | None) -> Any:
    if axis is None:
        return trace.lift(x) if is_array(x) else x
    x = fresh_handle(x) if isinstance(x, ArrayTracer) else np.asarray(x) if not isinstance(x, Tracer) else x
    return trace.tracer(np.moveaxis(x, axis, 0) if axis % ndim_of(x) else x)


def _leave(trace: Batch, out: Any, out_axes: Any) -> Any:
    leaves, treedef = ([out], None) if isinstance(out, Tracer) else pytree.flatten(out)
    axes = (
        [out_axes] * len(leaves)
        if treedef is None or isinstance(out_axes, int) or out_axes is None
        else _prefix(out_axes, treedef, "vmap: out_axes")
    )
    done = distinct([_stack(trace, x, axis) for x, axis in zip(leaves, axes, strict=True)])
    return done[0] if treedef is None else pytree.unflatten(treedef, done)


def _stack(trace: Batch, x: Any, axis: int | None) -> Any:
    mine = isinstance(x, Tracer) and type(x) is not Constant and x.t is trace
    value = leave(trace, x, lambda z: z.v)
    if not (mine and x.i):
        if axis is None:
            return value
        value = np.broadcast_to(value, (trace.size, *shape_of(value)))
        value = value if isinstance(value, Tracer) else value.copy()
    elif axis is None:
        raise ShapeError(f"vmap: out_axes=None for an output that differs between elements{at_line()}")
    return np.moveaxis(value, 0, axis) if axis else value
