"""grad and its kin: derivatives by walking the tape backwards."""

from __future__ import annotations

import functools
import warnings
from collections.abc import Callable
from typing import Any

import numpy as np
from numpy import ndarray

from wengert import pytree
from wengert.core.handles import copied
from wengert.core.trace import Constant, Tracer
from wengert.core.types import dtype_of, shape_of
from wengert.errors import DerivativeError, FlatDerivativeWarning, ShapeError, at_line, place_line
from wengert.ops.elementwise import stop_gradient as stop_gradient_primitive
from wengert.ops.splitting import settled
from wengert.transforms.careful import cotangents_of
from wengert.transforms.holomorphic import Claim, check_outputs, is_complex, joined, rounding
from wengert.transforms.inputs import (
    ATOMS,
    as_constant,
    check_scalar,
    check_tangent,
    differentiable_leaves,
    distinct,
    enter_constants,
    finish,
    leave,
    name_of,
    positions,
    run,
)
from wengert.transforms.reverse import ReverseScalar, Tape

__all__ = ["elementwise_grad", "grad", "stop_gradient", "value_and_grad", "vjp"]


def value_and_grad(
    f: Callable[..., Any], argnums: int | tuple[int, ...] = 0, has_aux: bool = False, holomorphic: bool = False
) -> Callable[..., Any]:
    """A function that returns ``(f(*args), ∇f(*args))``.

    The gradient has the structure, shapes and dtypes of the argument, which may be a number, an array or
    any tree of them; with a tuple of ``argnums`` it is a tuple of gradients. With ``has_aux``, ``f`` returns
    ``(loss, aux)`` and the result is ``((loss, aux), gradient)``. Keyword arguments are not differentiated.
    Arguments come in as handles: writing to one inside ``f`` does not change the caller's array. (The caller's
    array must not be overwritten through another name while ``f`` runs; every other array may be.)
    Complex arguments, and ``holomorphic=True``: see :func:`grad`.

    Reverse accumulation (Linnainmaa 1970; Speelpenning 1980): one walk back over the list of elementary
    steps (Wengert 1964), at a small constant multiple of the cost of ``f``.

    Raises:
        DerivativeError: if the output is not one real number, or an input is not floating point; with
            ``holomorphic`` if input or output is not complex, or the function is not holomorphic at this point.

    Example:
        >>> import numpy as np
        >>> from wengert import value_and_grad
        >>> value_and_grad(lambda x: np.sum(x**2))(np.array([1.0, 2.0]))
        (np.float64(5.0), array([2., 4.]))
    """

    @functools.wraps(f, updated=())
    def differentiated(*args: Any, **kwargs: Any) -> Any:
        return _value_and_grad(f, argnums, has_aux, "value_and_grad", args, kwargs, holomorphic)

    return differentiated


def grad(
    f: Callable[..., Any], argnums: int | tuple[int, ...] = 0, has_aux: bool = False, holomorphic: bool = False
) -> Callable[..., Any]:
    """The gradient of ``f``, a function of one real number as output.

    As :func:`value_and_grad`, without the value; with ``has_aux`` it returns ``(gradient, aux)``.
    ``grad(grad(f))`` and any other nesting of transforms give higher derivatives.

    Of a real function u of complex z = x + iy the gradient is ∂u/∂x − i ∂u/∂y, so that du = Re(grad · dz) and the
    chain rule needs no conjugates. Its conjugate ∂u/∂x + i ∂u/∂y (PyTorch's convention) points uphill: a step of
    steepest descent is ``z - rate * np.conj(grad(u)(z))``. With ``holomorphic`` a complex function is taken, and
    the result is f′(z); that f is holomorphic there is checked, by a second walk back (Cauchy–Riemann).

    Raises:
        DerivativeError: if the output is not one real number, or an input is not floating point; with
            ``holomorphic`` if input or output is not complex, or the function is not holomorphic at this point.

    Example:
        >>> import numpy as np
        >>> from wengert import grad
        >>> grad(np.sin)(0.0)
        1.0
        >>> grad(grad(lambda x: x**3))(2.0)
        12.0
        >>> u = lambda z: (z**2).real        # x² − y²
        >>> grad(u)(1 + 2j)                  # ∂u/∂x − i ∂u/∂y
        (2+4j)
        >>> grad(u)(1 + 2j).conjugate()      # the other convention, ∂u/∂x + i ∂u/∂y
        (2-4j)
        >>> grad(lambda z: z**2, holomorphic=True)(1 + 2j)
        (2+4j)
    """

    @functools.wraps(f, updated=())
    def gradient(*args: Any, **kwargs: Any) -> Any:
        value, d = _value_and_grad(f, argnums, has_aux, "grad", args, kwargs, holomorphic)
        return (d, value[1]) if has_aux else d

    return gradient


def _value_and_grad(
    f: Any, argnums: Any, has_aux: bool, transform: str, args: Any, kwargs: Any, holomorphic: bool = False
) -> Any:
    if holomorphic:
        check_tree(args, positions(argnums, args, f, transform), transform, "c")
    tape = Tape()
    single = type(argnums) is int
    wanted = (argnums,) if single and 0 <= argnums < len(args) else positions(argnums, args, f, transform)
    traced = list(args)
    values: list[Any] = []
    first = len(tape)

    def enter(x: Any) -> Any:
        if type(x) is not float and not (type(x) is ndarray and x.dtype.kind == "f"):
            check_tree(args, wanted, transform)
        values.append(x)
        return tape.leaf(x)

    for k in wanted:
        traced[k] = pytree.map(enter, args[k])
    inputs = range(first, len(tape))
    for k, x in enumerate(args):
        if k not in wanted and type(x) not in ATOMS:
            traced[k] = enter_constants(tape, x)
    if kwargs:
        kwargs = {key: enter_constants(tape, x) for key, x in kwargs.items()}
    out = run(tape, f, traced, kwargs)
    y = out
    if has_aux:
        if not (isinstance(out, tuple) and len(out) == 2):
            raise DerivativeError(
                f"{transform}({name_of(f)}, has_aux=True): the function must return (loss, aux){at_line()}"
            )
        y = out[0]
    if type(y) is ReverseScalar and y.t is tape and not holomorphic:
        reached = True
    else:
        check_scalar(y, f, transform, holomorphic)
        reached = isinstance(y, Tracer) and y.t is tape and type(y) is not Constant
    outputs = [(y.i, seed(y.v))] if reached else []
    value = y.v if reached and out is y else leave(tape, out, _value)
    if type(value) is not np.float64:
        value = settled(value)
    flat, entries = tape.flat, tape.close()
    if flat is not None and not reached:
        warn_flat(f, transform, flat)
    pulled = cotangents_of(entries, outputs, inputs)
    if holomorphic:
        pulled = _checked(Claim(f, transform, values, [y.v if reached else y]), pulled, entries, outputs, inputs)
    ds = [finish(d, x) for d, x in zip(pulled, values, strict=True)]
    if len(ds) > 1:
        distinct(ds)
    rest = iter(ds)
    trees = [pytree.map(lambda _: next(rest), args[k]) for k in wanted]
    return value, (trees[0] if single or isinstance(argnums, int | np.integer) else tuple(trees))


def check_tree(args: Any, wanted: tuple[int, ...], transform: str, dtypes: str = "fc") -> None:
    """Find the input that has no derivative, and say so by its path."""
    for k in wanted:
        differentiable_leaves(args[k], k, transform, dtypes)


def _checked(claim: Claim, ones: list[Any], entries: Any, outputs: Any, inputs: Any) -> list[Any]:
    """What the walk back gave for a function said to be holomorphic; a second one, with i, says whether it is."""
    turned = cotangents_of(entries, [(i, 1j * g) for i, g in outputs], inputs)
    return [None if p is None else claim.derivative(p, q) for p, q in zip(ones, turned, strict=True)]


def _value(z: Tracer) -> Any:
    return z.v


ONE = np.float64(1.0)


def seed(value: Any) -> Any:
    """The cotangent 1 of an output: a NumPy number, for Python's raise where NumPy's give infinities."""
    return ONE if type(value) is float or type(value) is np.float64 else dtype_of(value).type(1)


def warn_flat(f: Any, transform: str, flat: tuple[Any, tuple[str, int]]) -> None:
    """Say why a derivative is zero."""
    primitive, place = flat
    warnings.warn(
        f"{transform}({name_of(f)}): the result reaches the input only through np.{primitive.name}, "
        f"whose derivative is zero wherever it exists, so this derivative is zero\n  at {place_line(place)}\n"
        "  write: a smooth function in its place (a sigmoid for a step, cross-entropy for accuracy), or\n"
        "  wengert.stop_gradient(x) if zero is what you want",
        FlatDerivativeWarning,
        stacklevel=4,
    )


def vjp(f: Callable[..., Any], *primals: Any, has_aux: bool = False) -> Any:
    """``(f(*primals), pullback)``; ``pullback(ct)`` is the tuple of ctᵀJ for each primal.

    The vector-Jacobian product: with z = f(x) and a cotangent ct of z's structure, the cotangent of x is
    Jᵀct (transposed, never conjugated). The pullback can be called any number of times, and is itself
    differentiable. With ``has_aux`` the result is ``(value, pullback, aux)``.

    Example:
        >>> import numpy as np
        >>> from wengert import vjp
        >>> y, pullback = vjp(np.tanh, np.array([0.0, 1.0]))
        >>> pullback(np.array([1.0, 0.0]))[0]
        array([1., 0.])
    """
    tape = Tape()
    inputs = [differentiable_leaves(x, k, "vjp") for k, x in enumerate(primals)]
    # copies, here and of the value: the caller may write to the arrays before the pullback reads them
    leaves = [_own(x) for found, _ in inputs for x in found]
    # copies: the pullback may be called long after, when the caller has overwritten his arrays
    tracers = [tape.leaf(_own(x)) for x in leaves]
    indices = [z.i for z in tracers]
    args, start = [], 0
    for found, treedef in inputs:
        args.append(pytree.unflatten(treedef, tracers[start : start + len(found)]))
        start += len(found)
    out = run(tape, f, args, {})
    aux: Any = None
    if has_aux:
        out, aux = out
        aux = leave(tape, aux, lambda z: _own(z.v))
    outs, out_def = pytree.flatten(out)
    value = leave(tape, out, lambda z: _own(z.v))
    ends = [z.i if isinstance(z, Tracer) and z.t is tape and type(z) is not Constant else -1 for z in outs]
    values = [z.v if isinstance(z, Tracer) and (z.t is tape) else z for z in outs]
    flat, entries = tape.flat, tape.close()
    if all(i < 0 for i in ends) and flat is not None:
        warn_flat(f, "vjp", flat)

    def pullback(ct: Any) -> tuple[Any, ...]:
        """Cotangents of the inputs from the cotangent of the output."""
        cts, ct_def = pytree.flatten(ct)
        if ct_def != out_def:
            raise ShapeError(
                f"vjp({name_of(f)}): the cotangent has structure {ct_def}, the output {out_def}{at_line()}"
            )
        named = [check_tangent(g, v, "a cotangent", f"vjp({name_of(f)})") for g, v in zip(cts, values, strict=True)]
        outputs = [(i, _numpy(g)) for i, g in zip(ends, named, strict=True) if i >= 0]
        ds = [finish(d, x) for d, x in zip(cotangents_of(entries, outputs, indices), leaves, strict=True)]
        # the pullback of an identity hands back what it was given: not the same object
        ds = [d.copy() if type(d) is ndarray and any(d is g for g in cts) else d for d in distinct(ds)]
        trees, start = [], 0
        for found, treedef in inputs:
            trees.append(pytree.unflatten(treedef, ds[start : start + len(found)]))
            start += len(found)
        return tuple(trees)

    return (value, pullback, aux) if has_aux else (value, pullback)


def _own(x: Any) -> Any:
    return copied(x) if type(x) is ndarray else x


def _numpy(g: Any) -> Any:
    return np.float64(g) if type(g) is float else np.complex128(g) if type(g) is complex else g


def elementwise_grad(f: Callable[..., Any], argnum: int = 0, holomorphic: bool = False) -> Callable[..., Any]:
    """f′ at each element, for a function that acts on each element by itself.

    With J diagonal, Jᵀ1 is its diagonal. That J is diagonal is tested by one more walk back, with random
    numbers r: Jᵀr must be r ⊙ Jᵀ1. Complex elements, and ``holomorphic=True``: see :func:`wengert.grad`.

    Raises:
        DerivativeError: if the output's shape is not the input's, or elements depend on one another; with
            ``holomorphic`` if they are not complex, or the function is not holomorphic there.

    Example:
        >>> import numpy as np
        >>> from wengert import elementwise_grad
        >>> elementwise_grad(lambda x: x**3)(np.array([1.0, 2.0]))
        array([ 3., 12.])
        >>> elementwise_grad(lambda z: z**3, holomorphic=True)(np.array([1j, 2.0]))
        array([-3.+0.j, 12.+0.j])
    """

    @functools.wraps(f, updated=())
    def derivative(*args: Any, **kwargs: Any) -> Any:
        (at,) = positions(argnum, args, f, "elementwise_grad")
        x = args[at]
        differentiable_leaves(x, at, "elementwise_grad", "c" if holomorphic else "fc")

        def of_one(v: Any) -> Any:
            full = [v if k == at else as_constant(other) for k, other in enumerate(args)]
            return f(*full, **{key: as_constant(other) for key, other in kwargs.items()})

        y, pullback = vjp(of_one, x)
        if shape_of(y) != shape_of(x):
            raise DerivativeError(
                f"elementwise_grad({name_of(f)}): input of shape {shape_of(x)}, output of shape {shape_of(y)}: "
                f"not a function of each element{at_line()}\n  write: wengert.jacobian({name_of(f)})"
            )
        ones = np.ones(shape_of(y), dtype_of(y)) if shape_of(y) else dtype_of(y).type(1)
        (p,) = pullback(ones)
        claim = Claim(f, "elementwise_grad", [x], [y])
        if shape_of(x) and not isinstance(p, Tracer):
            _check_diagonal(claim, pullback, p, ones)
        return _from_both(claim, pullback, p, ones, holomorphic)

    return derivative


def _from_both(claim: Claim, pullback: Any, p: Any, ones: Any, holomorphic: bool) -> Any:
    """The derivative from the walk back with 1 and, where the output is complex, the one with i."""
    check_outputs(claim.f, claim.transform, claim.inputs, claim.outputs, holomorphic)
    if not is_complex(ones):
        return p
    (q,) = pullback(1j * ones)
    return claim.derivative(p, q) if holomorphic else joined(p, q, ones, p)


def _check_diagonal(claim: Claim, pullback: Any, d: Any, ones: Any) -> None:
    # numbers that all differ: elements that share one would be free to depend on one another
    weights = np.random.default_rng(0).uniform(0.5, 1.5, shape_of(d)).astype(dtype_of(d).type(0).real.dtype)
    (probe,) = pullback(weights.astype(dtype_of(ones)))
    single = weights.dtype.itemsize < 8
    tol = 1e-3 if single else 1e-6
    largest = float(np.max(np.abs(d), initial=0.0, where=np.isfinite(d)))
    near = tol * largest + rounding(claim.inputs, claim.outputs, single)
    if not np.allclose(probe, weights * d, rtol=tol, atol=near, equal_nan=True):
        name = name_of(claim.f)
        raise DerivativeError(
            f"elementwise_grad({name}): elements of the output depend on several elements of the input{at_line()}\n"
            f"  write: wengert.jacobian({name})"
        )


def stop_gradient(x: Any) -> Any:
    """``x`` itself, as a constant: nothing is differentiated through it. Trees are taken leaf by leaf.

    Example:
        >>> from wengert import grad, stop_gradient
        >>> grad(lambda x: x * stop_gradient(x))(3.0)
        3.0
    """
    if isinstance(x, Tracer):
        return stop_gradient_primitive(x)
    return pytree.map(lambda v: stop_gradient_primitive(v) if isinstance(v, Tracer) else v, x)
