"""Jacobians, Hessians and their products, from jvp, vjp and vmap."""

from __future__ import annotations

import functools
import itertools
import math
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np

from wengert import pytree
from wengert.core.types import dtype_of, shape_of
from wengert.errors import DerivativeError, at_line
from wengert.transforms.batch import vmap
from wengert.transforms.forward import jvp
from wengert.transforms.gradients import grad, vjp
from wengert.transforms.holomorphic import Claim, check_outputs, is_complex, joined
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


def _turned(basis: list[Any]) -> list[Any]:
    """Directions turned by i; those of real numbers cannot be, and are zero."""
    return [1j * block if is_complex(block) else np.zeros_like(block) for block in basis]


def jacfwd(f: Callable[..., Any], argnums: int | tuple[int, ...] = 0, holomorphic: bool = False) -> Callable[..., Any]:
    """The Jacobian by forward mode: one tangent for each input number, all at once by vmap.

    For output shape S and input shape T the result has shape S + T; trees give trees of such blocks.
    Its cost grows with the number of inputs. Complex numbers: see :func:`jacobian`.

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
        leaves, treedef = differentiable_leaves(x, 0, "jacfwd", "c" if holomorphic else "fc")
        if sum(_sizes(leaves)) == 0:
            return jacrev(f, argnums, holomorphic)(*args, **kwargs)
        y, push = linearize(g, x)
        outs = pytree.leaves(y)
        check_outputs(f, "jacfwd", leaves, outs, holomorphic)
        claim = Claim(f, "jacfwd", leaves, outs, reverse=False) if holomorphic else None

        def columns(basis: list[Any]) -> Any:
            return vmap(lambda *d: push(pytree.unflatten(treedef, d)))(*basis)

        basis = _basis(leaves)
        first = columns(basis)
        second = columns(_turned(basis)) if any(map(is_complex, leaves)) else first

        def block(p: Any, q: Any, out: Any, at: int, x: Any) -> Any:
            p, q = (_columns(d, shape_of(out), at, x) for d in (p, q))
            return claim.derivative(p, q) if claim else joined(p, q, x, out)

        starts = itertools.accumulate(_sizes(leaves), initial=0)
        places = list(zip(starts, leaves, strict=False))
        return pytree.map(
            lambda p, q, out: pytree.unflatten(treedef, [block(p, q, out, *place) for place in places]),
            first, second, y,
        )  # fmt: skip

    return jacobian_of


def _columns(columns: Any, shape: tuple[int, ...], start: int, x: Any) -> Any:
    n = _sizes([x])[0]
    return np.reshape(np.moveaxis(columns[start : start + n], 0, -1), (*shape, *shape_of(x)))


def jacrev(f: Callable[..., Any], argnums: int | tuple[int, ...] = 0, holomorphic: bool = False) -> Callable[..., Any]:
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
        leaves, _ = differentiable_leaves(x, 0, "jacrev", "c" if holomorphic else "fc")
        y, pullback = vjp(g, x)
        outs, out_def = pytree.flatten(y)
        check_outputs(f, "jacrev", leaves, outs, holomorphic)
        if sum(_sizes(outs)) == 0:
            (zero,) = pullback(pytree.map(np.zeros_like, y))
            return pytree.map(lambda out: pytree.map(lambda d: np.zeros((*shape_of(out), *shape_of(d))), zero), y)
        claim = Claim(f, "jacrev", leaves, outs) if holomorphic else None

        def rows(basis: list[Any]) -> Any:
            return vmap(lambda *d: pullback(pytree.unflatten(out_def, d))[0])(*basis)

        basis = _basis(outs)
        first = rows(basis)
        second = rows(_turned(basis)) if any(map(is_complex, outs)) else first

        def block(out: Any, start: int, p: Any, q: Any) -> Any:
            p, q = (_rows(shape_of(out), start, d) for d in (p, q))
            return claim.derivative(p, q) if claim else joined(p, q, out, p)

        starts = itertools.accumulate(_sizes(outs), initial=0)
        blocks = [
            pytree.map(functools.partial(block, out, start), first, second)
            for out, start in zip(outs, starts, strict=False)
        ]
        return pytree.unflatten(out_def, blocks)

    return jacobian_of


def _rows(shape: tuple[int, ...], start: int, rows: Any) -> Any:
    return np.reshape(rows[start : start + math.prod(shape)], (*shape, *shape_of(rows)[1:]))


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


def jacobian(
    f: Callable[..., Any], argnums: int | tuple[int, ...] = 0, explain: bool = False, holomorphic: bool = False
) -> Callable[..., Any]:
    """The Jacobian ∂f_i/∂x_j by whichever mode is cheaper: reverse where inputs outnumber outputs.

    With ``explain`` the result is ``(J, choice)``, and ``str(choice)`` says why. For one output the Jacobian
    is the gradient. Forward mode is taken on a tie: it keeps no tape.

    Complex numbers: of real outputs in complex inputs each row is a gradient ∂u/∂x − i ∂u/∂y; complex outputs in
    real inputs have complex derivatives ∂f/∂x. Where both are complex, ``holomorphic=True`` gives the complex
    derivative, having checked that there is one; without it there are two, ∂f/∂z and ∂f/∂z̄, and it is refused.

    Raises:
        DerivativeError: if an input is not floating point, or inputs and outputs are complex without
            ``holomorphic``; with it, if they are not complex or the function is not holomorphic at this point.

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
        n = sum(_sizes(differentiable_leaves(x, 0, "jacobian", "c" if holomorphic else "fc")[0]))
        outputs = pytree.leaves(jvp(g, (x,), (None,))[0])
        m = sum(_sizes(outputs))
        choice = JacobianChoice("reverse" if n > m else "forward", n, m)
        J = (jacrev if choice.mode == "reverse" else jacfwd)(f, argnums, holomorphic)(*args, **kwargs)
        return (J, choice) if explain else J

    return jacobian_of


def hessian(f: Callable[..., Any], argnums: int | tuple[int, ...] = 0) -> Callable[..., Any]:
    """The matrix of second derivatives ∂²f/∂x_i∂x_j of a scalar function: forward over reverse.

    For x of shape T the result has shape T + T. Of complex arguments it is refused: the second derivatives in x and
    y of z = x + iy are twice as many. :func:`hvp` takes them, as does the Hessian of ``lambda x, y: f(x + 1j * y)``.

    Example:
        >>> import numpy as np
        >>> from wengert import hessian
        >>> hessian(lambda x: x[0] ** 2 * x[1])(np.array([1.0, 2.0]))
        array([[4., 2.],
               [2., 0.]])
    """

    @functools.wraps(f, updated=())
    def hessian_of(*args: Any, **kwargs: Any) -> Any:
        for k in positions(argnums, args, f, "hessian"):
            if any(map(is_complex, differentiable_leaves(args[k], k, "hessian")[0])):
                raise DerivativeError(
                    f"hessian({name_of(f)}): argument {k} is complex; second derivatives are taken in its real and "
                    f"imaginary parts{at_line()}\n"
                    f"  write: hessian(lambda x, y: {name_of(f)}(x + 1j * y), argnums=(0, 1)), or hvp(f, z, direction)"
                )
        return jacfwd(grad(f, argnums), argnums)(*args, **kwargs)

    return hessian_of


def hvp(f: Callable[..., Any], x: Any, v: Any) -> Any:
    """∇²f(x) v without the matrix: forward mode over the gradient (Pearlmutter 1994).

    Of complex arguments it is the change of the gradient ∂u/∂x − i ∂u/∂y along the complex direction v.

    Example:
        >>> import numpy as np
        >>> from wengert import hvp
        >>> hvp(lambda x: np.sum(x**3), np.array([1.0, 2.0]), np.array([1.0, 1.0]))
        array([ 6., 12.])
    """
    return jvp(grad(f), (x,), (v,))[1]
