"""NumPy's products of vectors, matrices and tensors."""

from __future__ import annotations

import string
from typing import Any

import numpy as np

from wengert.core.handles import attach
from wengert.core.trace import ArrayTracer
from wengert.core.types import dtype_of, ndim_of, shape_of
from wengert.errors import ShapeError, at_line
from wengert.frontend.asking import answer, rehearse
from wengert.frontend.shaping import transpose
from wengert.frontend.tables import implements, into
from wengert.frontend.ufuncs import vecdot
from wengert.frontend.values import as_array, as_number
from wengert.ops import products as ops
from wengert.ops.shape import reshape


@implements(np.dot)
def dot(a: Any, b: Any, out: Any = None) -> Any:
    x, y = as_array(a), as_array(b)
    if ndim_of(x) == 0 or ndim_of(y) == 0:
        value = x * y
    elif ndim_of(y) <= 2 and ndim_of(x) <= 2:
        value = matmul(x, y)
    else:
        value = tensordot(x, y, ([-1], [-2 if ndim_of(y) > 1 else -1]))
    return value if out is None else into(out, value)


def matmul(x: Any, y: Any) -> Any:
    """``x @ y``."""
    return ops.matmul(x, y)


@implements(np.linalg.matmul)
def linalg_matmul(x1: Any, x2: Any, /) -> Any:
    return ops.matmul(x1, x2)


@implements(np.inner)
def inner(a: Any, b: Any, /) -> Any:
    x, y = as_array(a), as_array(b)
    if ndim_of(x) == 0 or ndim_of(y) == 0:
        return x * y
    return as_number(tensordot(x, y, ([-1], [-1])))


@implements(np.vdot)
def vdot(a: Any, b: Any, /) -> Any:
    x, y = np.ravel(a), np.ravel(b)
    if shape_of(x) != shape_of(y):
        raise ValueError(f"np.vdot of {shape_of(x)[0]} and {shape_of(y)[0]} elements")
    product = (np.conjugate(x) if np.iscomplexobj(x) else x) * y
    return np.sum(product, dtype=dtype_of(product))  # integers and bools keep theirs


@implements(np.outer)
def outer(a: Any, b: Any, out: Any = None) -> Any:
    x, y = np.ravel(as_array(a)), np.ravel(as_array(b))
    value = x[:, None] * y[None, :]
    return value if out is None else into(out, value)


@implements(np.linalg.outer)
def linalg_outer(x1: Any, x2: Any, /) -> Any:
    for x in (x1, x2):
        if ndim_of(x) != 1:
            raise ValueError(f"Input arrays must be one-dimensional, but one has shape {shape_of(x)}")
    return outer(x1, x2)


@implements(np.linalg.vecdot)
def linalg_vecdot(x1: Any, x2: Any, /, *, axis: int = -1) -> Any:
    return vecdot(x1, x2, axis)


def _list(axes: Any) -> list[int]:
    return [int(axes)] if isinstance(axes, int | np.integer) else [int(k) for k in axes]


def tensordot(a: Any, b: Any, axes: Any = 2) -> Any:
    """Sum of products over pairs of axes, as one matrix product."""
    x, y = as_array(a), as_array(b)
    nx, ny = ndim_of(x), ndim_of(y)
    if isinstance(axes, int | np.integer):
        left, right = list(range(nx - int(axes), nx)), list(range(int(axes)))
    else:
        left, right = map(_list, axes)
    if not all(-n <= k < n for n, named in ((nx, left), (ny, right)) for k in named):
        raise IndexError(f"tensordot: axes {left} and {right} of arrays of shapes {shape_of(x)} and {shape_of(y)}")
    left, right = [k % nx for k in left], [k % ny for k in right]
    if [shape_of(x)[k] for k in left] != [shape_of(y)[k] for k in right]:
        raise ShapeError(
            f"tensordot: shapes {shape_of(x)} and {shape_of(y)} do not match over axes {left} and {right}{at_line()}"
        )
    rows = [k for k in range(nx) if k not in left]
    columns = [k for k in range(ny) if k not in right]
    depth = int(np.prod([shape_of(x)[k] for k in left], dtype=np.int64))
    shape = (*(shape_of(x)[k] for k in rows), *(shape_of(y)[k] for k in columns))
    n = int(np.prod([shape_of(x)[k] for k in rows], dtype=np.int64))
    m = int(np.prod([shape_of(y)[k] for k in columns], dtype=np.int64))
    flat_x = reshape(transpose(x, (*rows, *left)), shape=(n, depth))
    flat_y = reshape(transpose(y, (*right, *columns)), shape=(depth, m))
    return reshape(matmul(flat_x, flat_y), shape=shape)


implements(np.tensordot)(tensordot)


@implements(np.linalg.tensordot)
def linalg_tensordot(x1: Any, x2: Any, /, *, axes: Any = 2) -> Any:
    return tensordot(x1, x2, axes)


@implements(np.kron)
def kron(a: Any, b: Any) -> Any:
    x, y = as_array(a), as_array(b)
    n = max(ndim_of(x), ndim_of(y))
    sx = (1,) * (n - ndim_of(x)) + shape_of(x)
    sy = (1,) * (n - ndim_of(y)) + shape_of(y)
    wide = reshape(x, shape=tuple(d for k in sx for d in (k, 1))) * reshape(
        y, shape=tuple(d for k in sy for d in (1, k))
    )
    return reshape(wide, shape=tuple(p * q for p, q in zip(sx, sy, strict=True)))


@implements(np.cross)
def cross(a: Any, b: Any, axisa: int = -1, axisb: int = -1, axisc: int = -1, axis: int | None = None) -> Any:
    """The vector product; where NumPy still takes vectors in the plane their third component is zero."""
    if axis is not None:
        axisa = axisb = axisc = axis
    x, y = as_array(a), as_array(b)
    example = answer(np.cross, x, y, axisa, axisb, axisc)
    x, y = np.moveaxis(x, axisa, -1), np.moveaxis(y, axisb, -1)
    plane = shape_of(x)[-1] == shape_of(y)[-1] == 2
    x, y = (v if shape_of(v)[-1] == 3 else np.concatenate([v, np.zeros_like(v[..., :1])], axis=-1) for v in (x, y))
    if plane:
        return reshape(x[..., 0] * y[..., 1] - x[..., 1] * y[..., 0], shape=example.shape)
    parts = [x[..., i] * y[..., j] - x[..., j] * y[..., i] for i, j in ((1, 2), (2, 0), (0, 1))]
    shape = np.moveaxis(example, axisc, -1).shape[:-1]
    return np.moveaxis(np.stack([np.broadcast_to(p, shape) for p in parts], axis=-1), -1, axisc)


# ---- einsum


@implements(np.einsum, always=True)
def einsum(*operands: Any, out: Any = None, dtype: Any = None, **options: Any) -> Any:
    if not options.keys() <= {"casting", "order", "optimize"}:
        raise TypeError(f"einsum got unexpected keyword arguments: {[*options]}{at_line()}")
    if not isinstance(operands[0], str):
        operands = _from_lists(operands)
    arrays = [as_array(x) for x in operands[1:]]
    if dtype is not None:
        rehearse(np.einsum, operands[0], *arrays, dtype=dtype, **options)
        arrays = [x.astype(dtype) for x in arrays]
    inputs, output = parse_einsum(operands[0], [ndim_of(x) for x in arrays])
    value = ops.einsum(*arrays, inputs=inputs, output=output)
    if len(arrays) == 1 and set(output) == set(inputs[0]) and isinstance(arrays[0], ArrayTracer):
        attach(value, arrays[0], ("einsum", f"{inputs[0]}->{output}"))  # nothing is summed: NumPy gives a view
    return value if out is None else into(out, value)


def _from_lists(operands: Any) -> tuple[Any, ...]:
    """The spelling with lists of axis numbers, as the spelling with letters."""

    def letters(labels: Any) -> str:
        # in the order of NumPy's, by which the axes of a result that is not named are ordered: A to Z before a to z
        return "".join("..." if k is Ellipsis else (string.ascii_uppercase + string.ascii_lowercase)[k] for k in labels)

    pairs = list(zip(operands[::2], operands[1::2], strict=False))
    text = ",".join(letters(labels) for _, labels in pairs)
    if len(operands) % 2:
        text += "->" + letters(operands[-1])
    return (text, *(x for x, _ in pairs))


def parse_einsum(subscripts: str, ndims: list[int]) -> tuple[tuple[str, ...], str]:
    """Labels of each operand's axes and of the result's, dots replaced by letters, output made explicit."""
    text = subscripts.replace(" ", "")
    left, arrow, right = text.partition("->")
    terms = left.split(",")
    if len(terms) != len(ndims):
        raise ValueError(f"einsum: {subscripts!r} names {len(terms)} operands, but {len(ndims)} are given{at_line()}")
    spare = [c for c in string.ascii_letters if c not in text]
    widest = max((n - len(t.replace("...", "")) for t, n in zip(terms, ndims, strict=True) if "..." in t), default=0)
    dots = "".join(spare[:widest])
    inputs: list[str] = []
    for term, n in zip(terms, ndims, strict=True):
        own = n - len(term.replace("...", ""))
        if own < 0 or (own and "..." not in term):
            raise ValueError(f"einsum: {term!r} in {subscripts!r} does not fit an operand with {n} axes{at_line()}")
        inputs.append(term.replace("...", dots[len(dots) - own :] if own else ""))
    if arrow:
        return tuple(inputs), right.replace("...", dots)
    together = "".join(inputs)
    once = sorted(c for c in set(together) if together.count(c) == 1 and c not in dots)
    return tuple(inputs), dots + "".join(once)
