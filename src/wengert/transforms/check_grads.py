"""check_grads: every mode against finite differences, and the operation whose rule is wrong."""

from __future__ import annotations

import warnings
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from wengert import pytree
from wengert.core.primitive import Primitive
from wengert.core.trace import Tracer, bind
from wengert.core.types import dtype_of, is_inexact, shape_of
from wengert.errors import DerivativeError, FlatDerivativeWarning, GradientCheckError, at_line
from wengert.transforms.forward import Forward, jvp
from wengert.transforms.gradients import vjp
from wengert.transforms.inputs import differentiable_leaves, name_of, run

__all__ = ["check_grads"]


def check_grads(
    f: Callable[..., Any],
    args: Sequence[Any],
    order: int = 2,
    modes: Sequence[str] = ("fwd", "rev"),
    tol: float | None = None,
    step: float | None = None,
    seed: int = 0,
) -> None:
    """Compare the derivatives of ``f`` at ``args`` with central differences, up to ``order``.

    Along a random direction v the jvp must equal (f(x + hv) − f(x − hv))/2h, and for a random cotangent w
    ⟨w, Jv⟩ must equal ⟨Jᵀw, v⟩; order 2 asks the same of the derivative. The step is h = ε^(1/3) scaled to x,
    the tolerance 1e-6 for order 1 in float64 (√ε-like in float32), and 1e-5 from order 2 on, relative to the
    larger of 1 and the derivative. Inputs and outputs may be complex: then ⟨w, z⟩ is Re Σ w z.

    Raises:
        GradientCheckError: with both numbers, the mode and order, and, where one can be found, the operation
            whose rule is wrong, at the user's line.

    Example:
        >>> import numpy as np
        >>> from wengert import check_grads
        >>> check_grads(lambda x: np.sum(np.tanh(x) ** 2), (np.array([0.3, -1.2]),))
    """
    args = tuple(args)
    for k, x in enumerate(args):
        differentiable_leaves(x, k, "check_grads")
    rng = np.random.default_rng(seed)
    with warnings.catch_warnings():
        # where a derivative is zero, differences say so as well
        warnings.simplefilter("ignore", FlatDerivativeWarning)
        _check(f, args, order, 1, modes, tol, step, rng, name_of(f))


def _check(f: Any, args: Any, order: int, level: int, modes: Any, tol: Any, step: Any, rng: Any, name: str) -> None:
    dtype = np.result_type(*[dtype_of(x) for x in pytree.leaves(args)])
    limit = tol if tol is not None else (1e-6 if level == 1 else 1e-5) if dtype.itemsize >= 8 else 2e-2
    v = pytree.map(lambda x: _random(rng, x) * np.maximum(np.abs(x), 1).astype(dtype_of(x)), args)
    _check_outputs(pytree.leaves(f(*pytree.map(lambda x: x.copy() if shape_of(x) else x, args))), name)
    numeric = _difference(f, args, v, step or float(np.finfo(dtype).eps) ** (1 / 3))
    y, pushed = jvp(f, args, v)
    _check_finite([*pytree.leaves(y), *pytree.leaves(numeric)], name)
    w = pytree.map(lambda out: _random(rng, out), y)
    expected = _dot(w, numeric)
    if "fwd" in modes:
        _compare("forward mode (jvp)", _dot(w, pushed), expected, limit, level, f, args, name)
    if "rev" in modes:
        _, pullback = vjp(f, *args)
        _compare("reverse mode (vjp)", _dot(pullback(w), v), expected, limit, level, f, args, name)
    if order > 1:
        if "fwd" in modes:
            _check(lambda *a: jvp(f, a, v)[1], args, order - 1, level + 1, modes, tol, step, rng, name)
        if "rev" in modes:
            _check(lambda *a: vjp(f, *a)[1](w), args, order - 1, level + 1, modes, tol, step, rng, name)


def _random(rng: Any, x: Any) -> Any:
    value = rng.uniform(0.5, 1.5, shape_of(x)) * rng.choice([-1.0, 1.0], shape_of(x))
    if dtype_of(x).kind == "c":
        value = value * np.exp(1j * rng.uniform(0.2, 1.3, shape_of(x)))
    return value.astype(dtype_of(x)) if shape_of(x) else dtype_of(x).type(value)


def _check_outputs(outputs: list[Any], name: str) -> None:
    if not outputs or any(
        not isinstance(o, np.ndarray | np.generic | float | complex) or dtype_of(o).kind not in "fc" for o in outputs
    ):
        kinds = ", ".join(type(o).__name__ for o in outputs) or "nothing"
        raise DerivativeError(
            f"check_grads({name}): the function returned {kinds}; it must return real or complex numbers{at_line()}\n"
            "  write: return the number or array to differentiate"
        )


def _check_finite(outputs: list[Any], name: str) -> None:
    if not all(np.all(np.isfinite(o)) for o in outputs):
        raise GradientCheckError(
            f"check_grads({name}): the function is not finite at or near this point, so there is nothing to compare "
            f"with{at_line()}\n  write: arguments inside the function's domain, and not at its edge"
        )


def _difference(f: Any, args: Any, v: Any, h: float) -> Any:
    def moved(sign: float) -> Any:
        return f(
            *pytree.map(
                lambda x, d: (
                    type(x)(x + sign * h * d) if type(x) in (float, complex) else x + x.dtype.type(sign * h) * d
                ),
                args,
                v,
            )
        )

    return pytree.map(lambda a, b: (a - b) / (2 * h), moved(1.0), moved(-1.0))


def _dot(a: Any, b: Any) -> float:
    pairs = zip(pytree.leaves(a), pytree.leaves(b), strict=True)
    return float(sum(np.sum(np.real(x * np.asarray(y))) for x, y in pairs))


def _compare(mode: str, got: float, expected: float, limit: float, level: int, f: Any, args: Any, name: str) -> None:
    scale = max(1.0, abs(expected), abs(got))
    if abs(got - expected) <= limit * scale or (np.isnan(got) and np.isnan(expected)):
        return
    culprit = find_wrong_rule(f, args, limit)
    where = f"\n  the rule of {culprit}" if culprit else ""
    raise GradientCheckError(
        f"check_grads({name}): {mode}, order {level}: {got:.12g}, but central differences give {expected:.12g} "
        f"(relative difference {abs(got - expected) / scale:.2g}, allowed {limit:.0e}){where}{at_line()}"
        + ("" if culprit else "\n  is there a kink or a jump near this point? try other arguments, or a smaller step=")
    )


class _Recorder(Forward):
    """A forward trace that keeps each operation with its operands."""

    __slots__ = ("steps",)

    def __init__(self) -> None:
        super().__init__()
        self.steps: list[tuple[Primitive, tuple[Any, ...], dict[str, Any]]] = []

    def process(self, primitive: Primitive, operands: tuple[Any, ...], params: dict[str, Any]) -> Any:
        values = tuple(x.v if isinstance(x, Tracer) else x for x in operands)
        self.steps.append((primitive, tuple(np.copy(v) if type(v) is np.ndarray else v for v in values), params))
        return super().process(primitive, operands, params)


def find_wrong_rule(f: Any, args: Any, limit: float) -> str:
    """The first operation in a run of ``f`` whose own jvp or vjp differs from central differences."""
    trace = _Recorder()
    traced = pytree.map(lambda x: trace.tracer(x, np.zeros(shape_of(x), dtype_of(x))), args)
    try:
        run(trace, f, traced, {})
    except Exception:  # noqa: BLE001 - whatever it is, the search must not hide the finding
        return ""
    for primitive, operands, params in trace.steps:
        if not primitive.flat and any(isinstance(x, Tracer) for x in operands) is False:
            fault = rule_fault(primitive, operands, params, limit)
            if fault:
                shapes = ", ".join(str(shape_of(x)) for x in operands)
                return f"{primitive.name} (operands of shape {shapes}) is wrong: {fault}"
    return ""


def rule_fault(primitive: Primitive, operands: Sequence[Any], params: dict[str, Any], limit: float) -> str:
    """What is wrong with a record's rules at these operands, or an empty string."""
    rng = np.random.default_rng(1)
    for k, x in enumerate(operands):
        if not is_inexact(x):
            continue

        def g(v: Any, k: int = k) -> Any:
            return bind(primitive, *operands[:k], v, *operands[k + 1 :], **params)

        wide = complex if dtype_of(x).kind == "c" else float
        x = np.asarray(x, wide) if shape_of(x) else wide(x)
        v = _random(rng, x)
        y, pushed = jvp(g, (x,), (v,))
        w = pytree.map(lambda out: _random(rng, out), y)
        expected = _dot(w, _difference(g, (x,), (v,), 6e-6))
        pulled = _dot(vjp(g, x)[1](w), v)
        for mode, got in (("jvp", _dot(w, pushed)), ("vjp", pulled)):
            if not abs(got - expected) <= 10 * limit * max(1.0, abs(expected)):
                return f"its {mode} in operand {k} gives {got:.8g}, central differences {expected:.8g}"
    return ""
