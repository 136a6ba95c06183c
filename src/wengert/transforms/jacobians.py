"""Jacobians, Hessians and their products, from jvp, vjp and vmap."""

from __future__ import annotations

import functools
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np

from wengert import pytree
from wengert.core.types import dtype_of, shape_of
from wengert.transforms.batch import vmap
from wengert.transforms.forward import jvp
from wengert.transforms.gradients import grad, vjp
from wengert.transforms.inputs import as_constant, differentiable_leaves, name_of, positions
from wengert.transforms.stage import linearize

__all__ = ["JacobianChoice", "hessian", "hvp", "jacfwd", "jacobian", "jacrev"]


def _sizes(leaves: list[Any]) -> list[int]:
    return [int(np.prod(shape_of(x), dtype=np.int64)) for x in leaves]


def _basis(leaves: list[Any]) -> list[Any]:
    """For each leaf a stack of directions, one for each number in all leaves together."""
    sizes = _sizes(leaves)
    total, start, out = sum(sizes), 0, []
    for x, n in zip(leaves, sizes, strict=True):
        block = np.zeros((total, n), dtype_of(x))
        block[np.arange(start, start + n), np.arange(n)] = 1
        out.append(block.reshape((total, *shape_of(x))))
        start += n
    return out


def _one_argument(f: Callable[..., Any], argnums: Any, args: tuple[Any, ...], kwargs: Any) -> tuple[Any, Any]:
    """``f`` as a function of the chosen arguments, which it takes as one tree, and that tree."""
    single = isinstance(argnums, int | np.integer)
    wanted = positions(argnums, args, f, "jacobian")

    def g(chosen: Any) -> Any:
        full = [x if k in wanted else as_constant(x) for k, x in enumerate(args)]
        for k, x in zip(wanted, (chosen,) if single else chosen, strict=True):
            full[k] = x
        return f(*full, **{key: as_constant(x) for key, x in kwargs.items()})

    g.__name__ = name_of(f)
    return g, (args[wanted[0]] if single else tuple(args[k] for k in wanted))


def jacfwd(f: Callable[..., Any], argnums: int | tuple[int, ...] = 0) -> Callable[..., Any]:
    """The Jacobian by forward mode: one tangent for each input number, all at once by vmap.

    For output shape S and input shape T the result has shape S + T; trees give trees of such blocks.
    Its cost grows with the number of inputs.

    Example:
        >>> import numpy as np
        >>> from wengert import jacfwd
        >>> jacfwd(lambda x: x**2)(np.array([1.0, 2.0]))
        array([[2., 0.],
               [0., 4.]])
    """

    @functools.wraps(f, updated=())
    def jacobian_of(*args: Any, **kwargs: Any) -> Any:
        g, x = _one_argument(f, argnums, args, kwargs)
        leaves, treedef = differentiable_leaves(x, 0, "jacfwd")
        if sum(_sizes(leaves)) == 0:
            return jacrev(f, argnums)(*args, **kwargs)
        y, push = linearize(g, x)
        columns = vmap(lambda *d: push(pytree.unflatten(treedef, d)))(*_basis(leaves))
        return pytree.map(lambda column, out: _blocks_of_columns(column, shape_of(out), leaves, treedef), columns, y)

    return jacobian_of


def _blocks_of_columns(columns: Any, shape: tuple[int, ...], leaves: list[Any], treedef: pytree.TreeDef) -> Any:
    moved = np.moveaxis(columns, 0, -1)
    blocks, start = [], 0
    for x, n in zip(leaves, _sizes(leaves), strict=True):
        blocks.append(np.reshape(moved[..., start : start + n], (*shape, *shape_of(x))))
        start += n
    return pytree.unflatten(treedef, blocks)


def jacrev(f: Callable[..., Any], argnums: int | tuple[int, ...] = 0) -> Callable[..., Any]:
    """The Jacobian by reverse mode: the tape is walked back once, with all output directions by vmap.

    The same result as :func:`jacfwd`; its cost grows with the number of outputs.

    Example:
        >>> import numpy as np
        >>> from wengert import jacrev
        >>> jacrev(lambda x: np.sum(x**2))(np.array([1.0, 2.0]))
        array([2., 4.])
    """

    @functools.wraps(f, updated=())
    def jacobian_of(*args: Any, **kwargs: Any) -> Any:
        g, x = _one_argument(f, argnums, args, kwargs)
        y, pullback = vjp(g, x)
        outs, out_def = pytree.flatten(y)
        if sum(_sizes(outs)) == 0:
            (zero,) = pullback(pytree.map(np.zeros_like, y))
            return pytree.map(lambda out: pytree.map(lambda d: np.zeros((*shape_of(out), *shape_of(d))), zero), y)
        rows = vmap(lambda *d: pullback(pytree.unflatten(out_def, d))[0])(*_basis(outs))
        blocks, start = [], 0
        for out, n in zip(outs, _sizes(outs), strict=True):
            blocks.append(pytree.map(functools.partial(_rows, shape_of(out), start, n), rows))
            start += n
        return pytree.unflatten(out_def, blocks)

    return jacobian_of


def _rows(shape: tuple[int, ...], start: int, n: int, rows: Any) -> Any:
    return np.reshape(rows[start : start + n], (*shape, *shape_of(rows)[1:]))


@dataclass(frozen=True)
class JacobianChoice:
    """Which mode :func:`jacobian` took, and why."""

    mode: str
    inputs: int
    outputs: int

    def __str__(self) -> str:
        n, m = self.inputs, self.outputs
        if self.mode == "reverse":
            counts = f"{_count(m, 'output')} and {_count(n, 'input')}"
            return f"reverse mode: {counts}, so {_count(m, 'walk')} back in place of {_count(n, 'pass')} forward"
        counts = f"{_count(n, 'input')} and {_count(m, 'output')}"
        return f"forward mode: {counts}, so {_count(n, 'pass')} forward in place of {_count(m, 'walk')} back"


def _count(n: int, noun: str) -> str:
    plural = {"pass": "passes"}.get(noun, noun + "s")
    return f"{n} {noun if n == 1 else plural}"


def jacobian(f: Callable[..., Any], argnums: int | tuple[int, ...] = 0, explain: bool = False) -> Callable[..., Any]:
    """The Jacobian ∂f_i/∂x_j by whichever mode is cheaper: reverse where inputs outnumber outputs.

    With ``explain`` the result is ``(J, choice)``, and ``str(choice)`` says why. For one output the Jacobian
    is the gradient. Forward mode is taken on a tie: it keeps no tape.

    Example:
        >>> import numpy as np
        >>> from wengert import jacobian
        >>> J, why = jacobian(lambda x: np.sum(x), explain=True)(np.ones(3))
        >>> print(why)
        reverse mode: 1 output and 3 inputs, so 1 walk back in place of 3 passes forward
    """

    @functools.wraps(f, updated=())
    def jacobian_of(*args: Any, **kwargs: Any) -> Any:
        g, x = _one_argument(f, argnums, args, kwargs)
        n = sum(_sizes(differentiable_leaves(x, 0, "jacobian")[0]))
        outputs = pytree.leaves(jvp(g, (x,), (None,))[0])
        m = sum(_sizes(outputs))
        choice = JacobianChoice("reverse" if n > m else "forward", n, m)
        J = (jacrev if choice.mode == "reverse" else jacfwd)(f, argnums)(*args, **kwargs)
        return (J, choice) if explain else J

    return jacobian_of


def hessian(f: Callable[..., Any], argnums: int | tuple[int, ...] = 0) -> Callable[..., Any]:
    """The matrix of second derivatives ∂²f/∂x_i∂x_j of a scalar function: forward over reverse.

    For x of shape T the result has shape T + T.

    Example:
        >>> import numpy as np
        >>> from wengert import hessian
        >>> hessian(lambda x: x[0] ** 2 * x[1])(np.array([1.0, 2.0]))
        array([[4., 2.],
               [2., 0.]])
    """
    return jacfwd(grad(f, argnums), argnums)


def hvp(f: Callable[..., Any], x: Any, v: Any) -> Any:
    """∇²f(x) v without the matrix: forward mode over the gradient (Pearlmutter 1994).

    Example:
        >>> import numpy as np
        >>> from wengert import hvp
        >>> hvp(lambda x: np.sum(x**3), np.array([1.0, 2.0]), np.array([1.0, 1.0]))
        array([ 6., 12.])
    """
    return jvp(grad(f), (x,), (v,))[1]
