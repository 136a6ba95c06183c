"""``while_loop``: a loop that runs as long as a test holds, as one operation.

``while_loop[test, body, test_constants, body_constants] *test_constants *body_constants *carry -> *carry``; the test
takes its constants and the carry to one bool, the body takes its constants and the carry to the new carry.

How often it runs is not known beforehand, so that there is no place to keep what each step computes. The way forward
counts the steps; the way back (:mod:`wengert.transforms.control_revolve`) computes the states again from a fixed number
of snapshots.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from wengert.core.primitive import Augmented, Primitive, reads_everything, register
from wengert.core.program import Program
from wengert.core.types import Aval, aval_of, shape_of
from wengert.transforms.call import call, cotangent_of, execute, execute_whole, jvp_of, with_absent
from wengert.transforms.control_cond import select
from wengert.transforms.control_revolve import WHILE, way_back
from wengert.transforms.programs import (
    avals_of,
    batched_program,
    coerced,
    derived,
    grouped,
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
from wengert.transforms.residuals import active_outputs

__all__ = ["while_p"]

Mask = tuple[bool, ...]


def sizes(params: dict[str, Any]) -> tuple[int, int]:
    """How many constants the test and the body have."""
    return params["test_constants"], params["body_constants"]


def _impl(*operands: Any, test: Program, body: Program, test_constants: int, body_constants: int) -> tuple[Any, ...]:
    params = {"test": test, "body": body, "test_constants": test_constants, "body_constants": body_constants}
    whole = execute_whole(while_p, operands, body, params)
    if whole is not None:
        return whole
    for_test, for_body, state = grouped(operands, (test_constants, body_constants))
    while execute(test, [*for_test, *state])[0]:
        state = execute(body, [*for_body, *state])
    return tuple(state)


def _infer(*avals: Aval, **params: Any) -> tuple[Aval, ...]:
    return types_of(retyped(params["body"], avals[params["test_constants"] :]))


def ignoring(test: Program, constants: int, avals: Sequence[Aval], kept: Sequence[int], name: str) -> Program:
    """The test of a loop that carries more: ``kept`` are the positions of its own carry in the new one."""

    def run(*xs: Any) -> list[Any]:
        return test.evaluate([*xs[:constants], *(xs[constants + k] for k in kept)])

    return derived(test, ("ignoring", constants, tuple(avals), tuple(kept)), lambda: staged(run, tuple(avals), name))


# ---- forward mode


def _dual(tangents: Sequence[Any], operands: Sequence[Any], params: dict[str, Any]) -> tuple[Any, Any]:
    a, b = sizes(params)
    for_test, consts, state = grouped(operands, (a, b))
    types = avals_of(operands[a:])
    mask = tuple(t is not None for t in tangents[a:])
    while True:
        ts = tuple(tangent_type(t) if there else None for t, there in zip(types, mask, strict=True))
        pushed, found = jvp_program(params["body"], types, ts, mask[b:])
        if found == mask[b:]:
            break
        mask = (*mask[:b], *found)
    given = [
        zeros_of(tangent_type(t)) if x is None else coerced(x, tangent_type(t))
        for x, there, t in zip(tangents[a:], mask, types, strict=True)
        if there
    ]
    m, tc, ts_ = len(state), sum(mask[:b]), sum(mask[b:])
    body = rearranged(pushed, interleaved((b, m), (tc, ts_)), range(m + ts_), pushed.name)
    carry = [*state, *given[tc:]]
    test = ignoring(params["test"], a, avals_of([*for_test, *carry]), range(m), params["test"].name)
    outs = while_p(
        *for_test, *consts, *given[:tc], *carry, test=test, body=body, test_constants=a, body_constants=b + tc
    )
    return outs[:m], with_absent(outs[m:], found)


# ---- batching


def _batch(batched: Sequence[bool], operands: Sequence[Any], params: dict[str, Any]) -> tuple[Any, ...]:
    a, b = sizes(params)
    size = next(shape_of(x)[0] for x, m in zip(operands, batched, strict=True) if m)
    m = len(operands) - a - b
    mask = tuple(batched)
    while True:
        whole = [
            x if have == want else stretched(x, size) for x, have, want in zip(operands, batched, mask, strict=True)
        ]
        types = avals_of(whole)
        test, (each,) = batched_program(
            params["test"], (*types[:a], *types[a + b :]), (*mask[:a], *mask[a + b :]), size
        )
        forced = (True,) * m if each else mask[a + b :]
        body, found = batched_program(params["body"], types[a:], mask[a:], size, forced)
        if found == mask[a + b :]:
            break
        mask = (*mask[: a + b], *found)
    if not each:
        outs = while_p(*whole, **(params | {"test": test, "body": body}))
        return tuple(x if there else stretched(x, size) for x, there in zip(outs, found, strict=True))
    any_left, held = _until_all_are_done(test, body, types, a, b)
    return while_p(*whole[:a], *whole, test=any_left, body=held, test_constants=a, body_constants=a + b)


def _until_all_are_done(test: Program, body: Program, types: Sequence[Aval], a: int, b: int) -> tuple[Program, Program]:
    """The test that holds while it does for some element, and the body that keeps the elements that are done."""

    def any_left(*xs: Any) -> list[Any]:
        return [np.any(test.evaluate(xs)[0])]

    def held(*xs: Any) -> list[Any]:
        for_test, consts, state = grouped(xs, (a, b))
        (going,) = test.evaluate([*for_test, *state])
        new = body.evaluate([*consts, *state])
        return [select(going, x, y) for x, y in zip(new, state, strict=True)]

    for_test = (*types[:a], *types[a + b :])
    return (
        derived(test, ("any",), lambda: staged(any_left, for_test, test.name)),
        derived(body, ("held", test), lambda: staged(held, tuple(types), body.name)),
    )


# ---- reverse mode


def moving(params: dict[str, Any], wanted: Sequence[bool]) -> Mask:
    """The operands of the body that have cotangents inside the loop: the wanted ones, and the carry they reach."""
    b = params["body_constants"]
    mask = tuple(wanted[params["test_constants"] :])
    while True:
        reached = active_outputs(params["body"], mask)
        more = tuple(w or r for w, r in zip(mask[b:], reached, strict=True))
        if more == mask[b:]:
            return mask
        mask = (*mask[:b], *more)


def _augment(avals: tuple[Aval, ...], wanted: Mask, params: dict[str, Any]) -> Augmented:
    """The same loop, which also counts its steps."""
    a, b = sizes(params)
    m = len(avals) - a - b
    mask = moving(params, wanted)
    count = aval_of(np.int64(0))
    test = ignoring(params["test"], a, (*avals[:a], *avals[a + b :], count), range(m), params["test"].name)

    def counting(*xs: Any) -> list[Any]:
        return [*params["body"].evaluate(xs[:-1]), xs[-1] + np.int64(1)]

    types = (*avals[a:], count)
    body = derived(params["body"], ("counting", types), lambda: staged(counting, types, params["body"].name))
    form = params | {"test": test, "body": body}
    reads = (*(False,) * a, *(True,) * (b + m))
    return Augmented(form, {**params, "moving": mask}, m, reads, (), mask[b:], more=(np.int64(0),))


def _vjp(cts: Any, outs: Any, operands: Sequence[Any], wanted: Sequence[bool], params: dict[str, Any]) -> Any:
    a, b = sizes(params)
    if "moving" not in params:
        form = _augment(avals_of(operands), tuple(wanted), params)
        params, outs = form.rule, while_p(*operands, *form.more, **form.params)
    mask: Mask = params["moving"]
    gs = [cotangent_of(g, o) for g, o, there in zip(cts, outs, mask[b:], strict=False) if there]
    xs = [*operands[a:], outs[-1], *gs]
    ds = call(*xs, program=_way_back(params["body"], avals_of(xs), b, len(operands) - a - b, mask))
    found = [None] * a + list(with_absent(ds, mask))
    return tuple(d if want else None for d, want in zip(found, wanted, strict=True))


def _way_back(body: Program, types: tuple[Aval, ...], b: int, m: int, mask: Mask) -> Program:
    def back(*xs: Any) -> Sequence[Any]:
        consts, init, (count,), gs = grouped(xs, (b, m, 1))
        return way_back(body, consts, init, count, gs, mask)

    return derived(body, ("way back", types, mask), lambda: staged(back, types, f"way back of {body.name}"))


while_p = register(
    Primitive(
        "while_loop", "general", _impl, _infer, jvp_of(_dual), _vjp, _batch, reads_everything,
        r"\operatorname{{while}}({0})", multiple=True, augment=_augment, dual=_dual,
    )
)  # fmt: skip
WHILE.append(while_p)
