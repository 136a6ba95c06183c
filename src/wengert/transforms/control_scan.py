"""``scan``: a loop of known length over slices, as one operation.

``scan[body, length, constants, carry, reverse] *constants *carry *xs -> *carry *ys``; the body takes constants, carry
and a slice of each of ``xs`` to the new carry and a slice of each of ``ys``. What is derived from a scan is a scan:
tangents run along with the carry, the walk back carries cotangents in the other direction and reads the residuals,
which the way forward gives as further ``ys``.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from wengert.core.primitive import Augmented, Primitive, reads_everything, register
from wengert.core.program import Program
from wengert.core.types import Aval, aval_of, shape_of
from wengert.transforms.call import cotangent_of, execute, execute_whole, jvp_of, with_absent
from wengert.transforms.programs import (
    avals_of,
    batched_program,
    coerced,
    derived,
    grouped,
    has_tangent,
    interleaved,
    jvp_program,
    rearranged,
    retyped,
    staged,
    stretched,
    tangent_type,
    types_of,
    zeros_of,
)
from wengert.transforms.residuals import Split, active_outputs, split_program

__all__ = ["scan_p"]


def sliced(aval: Aval) -> Aval:
    """The type of a slice."""
    return Aval(aval.shape[1:], aval.dtype, "array" if aval.ndim > 1 else "scalar")


def stacked(aval: Aval, length: int) -> Aval:
    """The type of ``length`` values of a type, stacked."""
    return Aval((length, *aval.shape), aval.dtype, "array")


def body_types(avals: Sequence[Aval], params: dict[str, Any]) -> tuple[Aval, ...]:
    """The types of the body's operands."""
    at = params["constants"] + params["carry"]
    return (*avals[:at], *map(sliced, avals[at:]))


def sizes(operands: Sequence[Any], params: dict[str, Any]) -> tuple[int, int, int]:
    """How many constants, carried values and arrays to run over there are."""
    constants, carry = params["constants"], params["carry"]
    return constants, carry, len(operands) - constants - carry


def _impl(*operands: Any, body: Program, length: int, constants: int, carry: int, reverse: bool) -> tuple[Any, ...]:
    params = {"body": body, "length": length, "constants": constants, "carry": carry, "reverse": reverse}
    whole = execute_whole(scan_p, operands, body, params)
    if whole is not None:
        return whole
    consts, state, xs = grouped(operands, (constants, carry))
    ys = [np.empty((length, *a.aval.shape), a.aval.dtype) for a in body.outputs[carry:]]
    for k in reversed(range(length)) if reverse else range(length):
        out = execute(body, [*consts, *state, *(x[k] for x in xs)])
        state = out[:carry]
        for n, y in enumerate(out[carry:]):
            if ys[n].dtype != (dtype := np.asarray(y).dtype):  # operands of other types than the body was staged for
                ys[n] = ys[n].astype(dtype)
            ys[n][k] = y
    return (*state, *ys)


def _infer(*avals: Aval, **params: Any) -> tuple[Aval, ...]:
    types = types_of(retyped(params["body"], body_types(avals, params)))
    m = params["carry"]
    return (*types[:m], *(stacked(t, params["length"]) for t in types[m:]))


# ---- forward mode


def _dual(tangents: Sequence[Any], operands: Sequence[Any], params: dict[str, Any]) -> tuple[Any, Any]:
    m = params["carry"]
    avals = avals_of(operands)
    pushed, moving, found = _moving(params, avals, [t is not None for t in tangents])
    ts = [
        None if not there else zeros_of(tangent_type(a)) if t is None else coerced(t, tangent_type(a))
        for t, there, a in zip(tangents, moving, avals, strict=True)
    ]
    values, given = grouped(operands, sizes(operands, params)[:2]), grouped(ts, sizes(operands, params)[:2])
    given = [[t for t in group if t is not None] for group in given]
    beside = [len(group) for group in given]
    body = rearranged(
        pushed, interleaved(sizes(operands, params), beside),
        interleaved((m, len(found) - m), (beside[1], sum(found[m:]))), pushed.name,
    )  # fmt: skip
    outs = scan_p(
        *[x for pair in zip(values, given, strict=True) for group in pair for x in group],
        **(params | {"body": body, "constants": len(values[0]) + beside[0], "carry": m + beside[1]}),
    )
    state, of_carry, ys, of_ys = grouped(outs, (m, beside[1], len(found) - m))
    return (*state, *ys), with_absent([*of_carry, *of_ys], found)


def _moving(
    params: dict[str, Any], avals: Sequence[Aval], mask: Sequence[bool]
) -> tuple[Program, tuple[bool, ...], tuple[bool, ...]]:
    """The body with tangents, which operands have one, and which outputs: of the carry whatever ends up with one."""
    c, m, _ = sizes(avals, params)
    types = body_types(avals, params)
    while True:
        ts = tuple(tangent_type(a) if there else None for a, there in zip(types, mask, strict=True))
        forced = (*mask[c : c + m], *(False,) * (len(params["body"].outputs) - m))
        pushed, found = jvp_program(params["body"], types, ts, forced)
        if found[:m] == tuple(mask[c : c + m]):
            return pushed, tuple(mask), found
        mask = (*mask[:c], *found[:m], *mask[c + m :])


# ---- batching


def _batch(batched: Sequence[bool], operands: Sequence[Any], params: dict[str, Any]) -> tuple[Any, ...]:
    c, m, _ = sizes(operands, params)
    size = next(shape_of(x)[0] for x, b in zip(operands, batched, strict=True) if b)
    mask = tuple(batched)
    while True:
        moved = _with_batch(operands, batched, mask, c + m, size)
        forced = (*mask[c : c + m], *(False,) * (len(params["body"].outputs) - m))
        body, found = batched_program(params["body"], body_types(avals_of(moved), params), mask, size, forced)
        if found[:m] == mask[c : c + m]:
            break
        mask = (*mask[:c], *found[:m], *mask[c + m :])
    outs = scan_p(*moved, **(params | {"body": body}))
    ys = [np.moveaxis(y, 1, 0) if b else stretched(y, size) for y, b in zip(outs[m:], found[m:], strict=True)]
    return (*(x if b else stretched(x, size) for x, b in zip(outs[:m], found[:m], strict=True)), *ys)


def _with_batch(
    operands: Sequence[Any], batched: Sequence[bool], mask: Sequence[bool], at: int, size: int
) -> list[Any]:
    """Operands with the batch where the body looks for it: behind the axis that is run over."""
    whole = [x if b == m else stretched(x, size) for x, b, m in zip(operands, batched, mask, strict=True)]
    return [*whole[:at], *(np.moveaxis(x, 0, 1) if m else x for x, m in zip(whole[at:], mask[at:], strict=True))]


# ---- reverse mode


def _split(params: dict[str, Any], avals: Sequence[Aval], wanted: Sequence[bool]) -> Split:
    """The body's two ways, with cotangents of all of the carry that depends on the wanted operands."""
    body: Program = params["body"]
    c, m, k = sizes(avals, params)
    types = body_types(avals, params)
    mask = tuple(wanted)
    while True:
        reached = active_outputs(body, mask)[:m]
        more = tuple(w or r for w, r in zip(mask[c : c + m], reached, strict=True))
        if more == mask[c : c + m]:
            break
        mask = (*mask[:c], *more, *mask[c + m :])
    reusable = tuple(n >= m and has_tangent(a.aval) for n, a in enumerate(body.outputs))
    given, fixed = ((True,) * c + (False,) * m + (True,) * k), ((True,) * c + (False,) * (m + k))
    return split_program(body, types, mask, reusable, given, fixed)


def _augment(avals: tuple[Aval, ...], wanted: tuple[bool, ...], params: dict[str, Any]) -> Augmented:
    c, m, _ = sizes(avals, params)
    split = _split(params, avals, wanted)
    active = (*split.wanted[c : c + m], *split.active[m:])
    return Augmented(
        {**params, "body": split.forward}, {**params, "split": split}, len(active), split.reads, split.sources, active
    )


def _vjp(cts: Any, outs: Any, operands: Sequence[Any], wanted: Sequence[bool], params: dict[str, Any]) -> Any:
    params = dict(params)
    split: Split | None = params.pop("split", None)
    if split is None:
        split = _split(params, avals_of(operands), wanted)
        outs = scan_p(*operands, **(params | {"body": split.forward}))
    c, m, _ = sizes(operands, params)
    of_consts, carried, of_xs = grouped(split.found[:c] + split.wanted[c : c + m] + split.found[c + m :], (c, m))
    gs = [cotangent_of(g, o) for g, o, there in zip(cts[:m], outs, carried, strict=False) if there]
    sums = [zeros_of(tangent_type(aval_of(x))) for x, there in zip(operands[:c], of_consts, strict=True) if there]
    consts, slices = (
        [x for x, r in zip(operands[at], split.reads[at], strict=True) if r] for at in (slice(c), slice(c + m, None))
    )
    slices = [*[outs[k] for k in split.sources], *slices]
    slices += [cotangent_of(g, o) for g, o, there in zip(cts[m:], outs[m:], split.active[m:], strict=False) if there]
    body = _way_back(split, params, avals_of(consts), avals_of([*gs, *sums]), tuple(sliced(aval_of(x)) for x in slices))
    ds = scan_p(
        *consts, *gs, *sums, *slices, body=body, length=params["length"], constants=len(consts),
        carry=len(gs) + len(sums), reverse=not params["reverse"],
    )  # fmt: skip
    ds = grouped(ds, (len(gs), len(sums)))
    found = (*with_absent(ds[1], of_consts), *with_absent(ds[0], carried), *with_absent(ds[2], of_xs))
    return tuple(d if want else None for d, want in zip(found, wanted, strict=True))


def _way_back(split: Split, params: dict[str, Any], consts: Any, carry: Any, slices: Any) -> Program:
    """One step back: cotangents of the carry and sums over the steps so far, and slices of what was kept."""
    c, m = params["constants"], params["carry"]
    moving = split.wanted[c : c + m]
    n, reads = len(consts), sum(split.reads)

    def step(*xs: Any) -> list[Any]:
        consts_, gs, sums, kept, read, of_ys = grouped(
            xs, (n, sum(moving), len(carry) - sum(moving), len(split.sources), reads - n)
        )
        into = [g for g, there in zip(with_absent(gs, moving), split.active, strict=False) if there]
        ds = with_absent(split.pull([*kept, *consts_, *read, *into, *of_ys]), split.found)
        of_carry = [
            zeros_of(aval_of(g)) if d is None else d
            for d, g in zip(ds[c : c + m], with_absent(gs, moving), strict=True)
            if g is not None
        ]
        totals = [s + d for s, d in zip(sums, [d for d in ds[:c] if d is not None], strict=True)]
        return [*of_carry, *totals, *(d for d in ds[c + m :] if d is not None)]

    key = ("step back", params["constants"], params["carry"], consts, carry, slices)
    return derived(split.backward, key, lambda: staged(step, (*consts, *carry, *slices), split.backward.name))


scan_p = register(
    Primitive(
        "scan", "general", _impl, _infer, jvp_of(_dual), _vjp, _batch, reads_everything,
        r"\operatorname{{scan}}({0})", multiple=True, augment=_augment, dual=_dual,
    )
)  # fmt: skip
