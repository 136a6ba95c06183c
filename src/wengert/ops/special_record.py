"""How a ufunc of ``scipy.special`` becomes a record: what stands in the slot of each operand.

A slot holds a differential, None where the function is flat in the operand, or a text: why there is no
derivative in that operand. Whoever differentiates in it is told so; batching and staging do not mind.

These modules import SciPy, so that they are loaded with the first of its ufuncs that a traced value meets.
"""

from __future__ import annotations

import functools
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
import scipy.special as sc
from scipy.special import _ufuncs as private  # pyright: ignore[reportPrivateUsage]  # of zeta and lambertw

from wengert.core.primitive import (
    REGISTRY,
    Primitive,
    Rule,
    infer_by_running,
    reads_by_name,
    reads_everything,
    reads_nothing,
    register,
)
from wengert.core.types import Aval, dtype_of, shape_of
from wengert.errors import UnsupportedError, at_line
from wengert.ops.elementwise import cast
from wengert.ops.families import align, elementwise, fit, flat, spread

__all__ = ["Slot", "flat_ufunc", "numeric", "real_only", "refusal", "several", "special"]

Slot = Rule | str | None
# ufuncs that have a record, and the text of each slot that has no derivative
RECORDS: dict[np.ufunc, Primitive] = {}


def special(name: str, *slots: Slot, tex: str | None = None) -> Primitive | None:
    """The record of ``scipy.special``'s ufunc ``name``; None where this SciPy has no such ufunc."""
    ufunc = _ufunc(name)
    if ufunc is None:
        return None
    rules = _rules(f"scipy.special.{ufunc.__name__}", slots)
    own = _own_name(ufunc)
    RECORDS[ufunc] = elementwise(
        own, ufunc, [fitted(rule) for rule in rules], tex or _tex(own, ufunc.nin), ufunc=ufunc, reads=_reads(rules)
    )
    return RECORDS[ufunc]


def flat_ufunc(name: str) -> Primitive | None:
    """The record of a ufunc that is constant between its steps."""
    ufunc = _ufunc(name)
    if ufunc is None:
        return None
    own = _own_name(ufunc)
    RECORDS[ufunc] = flat(own, ufunc, _tex(own, ufunc.nin), ufunc=ufunc)
    return RECORDS[ufunc]


def numeric(name: str, impl: Rule, *rules: Slot, tex: str) -> Primitive:
    """The record of a function of each element that has no ufunc."""
    checked = _rules(name, rules)
    infer = functools.partial(infer_by_running, impl)
    return elementwise(name, impl, [fitted(rule) for rule in checked], tex, infer=infer, reads=_reads(checked))


# ---- precision: among Python's numbers SciPy takes its loops in double precision for single ones too


def in_precision(d: Any, like: Any) -> Any:
    """A tangent in the precision of the value it belongs to."""
    if like is None or dtype_of(like).char not in "fF" or dtype_of(d).char not in "dD":
        return d
    return cast(d, dtype=np.dtype(np.float32 if dtype_of(d).char == "d" else np.complex64))


def fitted(rule: Rule | None) -> Rule | None:
    """A differential whose result has the precision of the output."""
    if rule is None or hasattr(rule, "refusal"):
        return rule
    return lambda t, z, *operands: in_precision(rule(t, z, *operands), z)


def _ufunc(name: str) -> np.ufunc | None:
    found = getattr(sc, name, None)
    return found if isinstance(found, np.ufunc) else getattr(private, name, None)


def _own_name(ufunc: np.ufunc) -> str:
    """The ufunc's name, marked where one of NumPy's has it already (exp2, log1p, …)."""
    name = ufunc.__name__.lstrip("_")
    return f"special_{name}" if name in REGISTRY else name


def _tex(name: str, nin: int) -> str:
    operands = ", ".join(f"{{{k}}}" for k in range(nin))
    return rf"\operatorname{{{{{name.replace('_', '-')}}}}}({operands})"


# ---- slots without a derivative


def refusal(name: str, k: int, reason: str) -> Rule:
    """What stands in the slot of an operand in which there is no derivative: it says why."""

    def refuse(*_: Any) -> Any:
        raise UnsupportedError(
            f"{name} has no derivative in its {_ORDINAL[k]} argument: {reason}{at_line()}\n"
            f"  write: wengert.stop_gradient(...) around that argument where no derivative is wanted in it"
        )

    refuse.refusal = reason  # type: ignore[attr-defined]
    return refuse


_ORDINAL = ("first", "second", "third", "fourth", "fifth")


def _rules(name: str, slots: Sequence[Slot]) -> list[Rule | None]:
    return [refusal(name, k, slot) if isinstance(slot, str) else slot for k, slot in enumerate(slots)]


def _reads(rules: Sequence[Rule | None]) -> Callable[[int, int], tuple[bool, ...]]:
    """What rules read; asked for a slot without derivative when the value is computed, it is refused then."""
    known = reads_by_name([None if hasattr(rule, "refusal") else rule for rule in rules])

    def reads(k: int, n: int) -> tuple[bool, ...]:
        rule = rules[k]
        if rule is not None and hasattr(rule, "refusal"):
            rule()
        return known(k, n)

    return reads


def real_only(x: Any, name: str) -> Any:
    """``x``, where it is real; functions scaled by |Re z| or |Im z| have no complex derivative."""
    if dtype_of(x).kind == "c":
        raise UnsupportedError(
            f"scipy.special.{name} of a complex number has no complex derivative{at_line()}\n"
            f"  write: {name} of real numbers, or another function of the same family (jv, wofz, kve, loggamma, …)"
        )
    return x


# ---- several outputs


def several(name: str, *partials: Slot, tex: str | None = None) -> Primitive | None:
    """A ufunc with several outputs; ``partials[k](zs, *operands)`` gives ∂z/∂(operand k) for each output z."""
    ufunc = _ufunc(name)
    if ufunc is None:
        return None
    rules = _rules(f"scipy.special.{ufunc.__name__}", partials)

    def jvp(tangents: Sequence[Any], zs: Any, operands: Sequence[Any], _params: Any) -> Any:
        total: list[Any] = [None] * len(zs)
        for t, rule in zip(tangents, rules, strict=True):
            if t is not None and rule is not None:
                terms = [in_precision(t * d, z) for d, z in zip(rule(zs, *operands), zs, strict=True)]
                total = [term if have is None else have + term for have, term in zip(total, terms, strict=True)]
        return tuple(None if t is None else spread(t, shape_of(z)) for t, z in zip(total, zs, strict=True))

    def vjp(gs: Any, zs: Any, operands: Sequence[Any], wanted: Sequence[bool], _params: Any) -> Any:
        def pulled(rule: Rule, x: Any) -> Any:
            slopes = zip(gs, rule(zs, *operands), zs, strict=True)
            terms = [fit(in_precision(g * d, z), x) for g, d, z in slopes if g is not None]
            return sum(terms[1:], terms[0])

        return tuple(
            pulled(rule, x) if want and rule is not None else None
            for rule, x, want in zip(rules, operands, wanted, strict=True)
        )

    def reads(k: int, n: int) -> tuple[bool, ...]:
        if rules[k] is None:
            return reads_nothing(k, n)
        if hasattr(rules[k], "refusal"):
            rules[k]()  # type: ignore[misc]  # raises
        return reads_everything(k, n)

    def infer(*avals: Aval) -> tuple[Aval, ...]:
        return _infer_several(ufunc, avals)

    def batch(batched: Sequence[bool], operands: Sequence[Any], params: dict[str, Any]) -> Any:
        return RECORDS[ufunc](*align(batched, operands), **params)

    own = _own_name(ufunc)
    RECORDS[ufunc] = register(
        Primitive(
            own, "elementwise", ufunc, infer, jvp, vjp, batch, reads, tex or _tex(own, ufunc.nin),
            multiple=True, diffs=tuple(rules), ufunc=ufunc,
        )
    )  # fmt: skip
    return RECORDS[ufunc]


def _infer_several(ufunc: np.ufunc, avals: Sequence[Aval]) -> tuple[Aval, ...]:
    weak = {"f": float, "i": int, "c": complex}
    dtypes = tuple(weak.get(a.dtype.kind, a.dtype) if a.kind == "python" else a.dtype for a in avals)
    outs = ufunc.resolve_dtypes((*dtypes, *(None,) * ufunc.nout))[ufunc.nin :]  # type: ignore[arg-type]
    shape = np.broadcast_shapes(*(a.shape for a in avals))
    return tuple(Aval(shape, dtype, "array" if shape else "scalar") for dtype in outs)
