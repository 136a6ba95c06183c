r"""Operations of one's own: records with every rule, known to every transform, and tried by the library's laws.

A *record* says all that there is to say about an operation. The constructors below are those the library's own
records are made by; what a family derives need not be written. Rules are written in NumPy, so they differentiate
again, batch and stage.

Example:
    log(1 + e^x), as a compiled routine might compute it, and its slope e^(x−z):

    >>> import numpy as np
    >>> from wengert import extend, grad, vmap
    >>> log1pexp = extend.elementwise(
    ...     "mylib.log1pexp",
    ...     lambda x: np.logaddexp(0.0, x),
    ...     [lambda t, z, x: t * np.exp(x - z)],
    ...     tex=r"\log(1 + e^{{{0}}})",
    ... )
    >>> grad(log1pexp)(0.0), grad(grad(log1pexp))(0.0)
    (0.5, 0.25)
    >>> len(extend.check_laws(log1pexp, [extend.Sample((np.array([-1.0, 0.5, 3.0]),))])) > 10
    True
    >>> extend.remove(log1pexp)
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import partial
from typing import Any

import numpy as np

from wengert.core.primitive import REGISTRY, Primitive, infer_by_running
from wengert.extend import _derivatives, _traces
from wengert.extend._sample import LawError, Sample
from wengert.frontend.tables import UFUNCS, implements
from wengert.ops.families import binary, flat, general, linear, multilinear, unary
from wengert.ops.families import elementwise as _elementwise

__all__ = [
    "LAWS", "REGISTRY", "LawError", "Primitive", "Sample", "binary", "check_laws", "elementwise", "flat", "general",
    "implements", "linear", "multilinear", "remove", "ufunc", "unary",
]  # fmt: skip

Law = Callable[[Primitive, Sample], None]
LAWS: dict[str, Law] = {
    law.__name__: law
    for law in (
        _derivatives.inferred_type_is_actual, _derivatives.first_derivative_forward,
        _derivatives.forward_and_reverse_are_transposes, _derivatives.unwanted_operands_get_nothing,
        _derivatives.one_rule_serves_all_paths, _traces.batching_is_a_loop, _traces.batching_of_an_inner_axis,
        _traces.reads_no_more_than_it_says, _traces.unread_names_are_not_read, _traces.flat_has_derivative_zero,
        _traces.formula, _traces.staged_is_eager, _traces.float32_stays_float32,
    )
}  # fmt: skip
LAWS.update({
    f"second_derivative, {mode}": partial(_derivatives.second_derivative, mode=mode) for mode in _derivatives.MODES
})  # fmt: skip
LAWS.update({
    f"constants_may_be_overwritten, {owner}": partial(_traces.constants_may_be_overwritten, owner=owner)
    for owner in _traces.OWNERS
})  # fmt: skip


def elementwise(
    name: str,
    impl: Callable[..., Any],
    diffs: Sequence[Callable[..., Any] | None],
    tex: str,
    *,
    ufunc: np.ufunc | None = None,
    infer: Callable[..., Any] | None = None,
) -> Primitive:
    """A function of each element, with broadcasting.

    ``diffs[k](t, z, *operands)`` is the tangent of the output z for a tangent t of operand k, or None where the
    derivative is zero. A parameter whose name begins with an underscore is not read, and then not kept. ``tex`` is
    a format string for the operands' formulas. The output's type is found by running ``impl``, unless ``ufunc`` or
    ``infer(*abstract values)`` says it.
    """
    if infer is None and ufunc is None:
        infer = partial(_infer_by_running, impl)
    return _elementwise(name, impl, diffs, tex, ufunc=ufunc, infer=infer)


def _infer_by_running(impl: Callable[..., Any], *avals: Any) -> Any:
    with np.errstate(all="ignore"):
        return infer_by_running(impl, *avals)


def ufunc(function: np.ufunc, record: Primitive | Callable[..., Any]) -> None:
    """Make a record (or a function written in NumPy) what a ufunc does on traced values.

    For ufuncs of other libraries: ``numba.vectorize``, ``scipy.special``, extension modules. For functions that
    dispatch by ``__array_function__`` there is :func:`implements`, a decorator: ``@extend.implements(function)``.
    """
    UFUNCS[function] = record


def remove(what: Primitive | np.ufunc) -> None:
    """Take a record out of the registry and the tables, so that its name is free again; or a ufunc's rule."""
    if isinstance(what, Primitive):
        REGISTRY.pop(what.name, None)
    for function in [f for f, rule in UFUNCS.items() if rule is what or f is what]:
        del UFUNCS[function]


def check_laws(
    record: Primitive, samples: Sequence[Sample], oracle: Callable[..., Any] | None = None
) -> tuple[str, ...]:
    """Try a record by every law that the library's own records obey; the names of the laws.

    Its type as inferred, forward mode against differences, reverse mode as its transpose, second derivatives by
    all pairs of modes, batching against a loop, what is kept for the way back, staging, float32, its formula; and
    its value against ``oracle(*operands, **params)``, where one is given.

    Raises:
        LawError: naming the law, the record, the sample and the numbers.
        ValueError: if there are no samples.
    """
    if not samples:
        raise ValueError(f"check_laws({record.name}): no samples\n  write: [Sample((x, y))], operands to try it at")
    laws: dict[str, Any] = dict(LAWS)
    if oracle is not None:
        laws["is_what_the_oracle_computes"] = partial(_derivatives.is_what_the_oracle_computes, oracle=oracle)
    for name, law in laws.items():
        for sample in samples:
            try:
                law(record, sample)
            except LawError as error:
                raise LawError(f"{record.name} breaks the law {name!r}: {error}") from None
    return tuple(laws)
