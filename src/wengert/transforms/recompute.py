"""``recompute``: checkpointing where a function is staged, as one operation.

``recompute[program, keeps] *operands -> outputs`` is a ``call`` whose way back computes again what it reads, from the
operands and from what ``keeps(operation, abstract value)`` says is kept.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

from wengert import pytree
from wengert.core.primitive import Augmented, Primitive, reads_everything, register
from wengert.core.program import Program
from wengert.core.trace import bind
from wengert.core.types import Aval, aval_of, shape_of
from wengert.transforms.call import call, cotangent_of, execute, jvp_of, tangent_types, with_absent
from wengert.transforms.checkpoint import STAGED
from wengert.transforms.closing import stage_closed
from wengert.transforms.inputs import is_number, name_of
from wengert.transforms.programs import avals_of, batched_program, jvp_program, retyped, types_of
from wengert.transforms.residuals import Split, split_program

__all__ = ["recompute"]

Policy = Callable[[str, Aval], bool]


def _impl(*operands: Any, program: Program, keeps: Policy) -> tuple[Any, ...]:
    del keeps
    return tuple(execute(program, operands))


def _infer(*avals: Aval, program: Program, keeps: Policy) -> tuple[Aval, ...]:
    del keeps
    return types_of(retyped(program, avals))


def _dual(tangents: Sequence[Any], operands: Sequence[Any], params: dict[str, Any]) -> tuple[Any, Any]:
    pushed, found = jvp_program(params["program"], avals_of(operands), tangent_types(tangents))
    outs = recompute(*operands, *(t for t in tangents if t is not None), **(params | {"program": pushed}))
    return outs[: len(found)], with_absent(outs[len(found) :], found)


def _batch(batched: Sequence[bool], operands: Sequence[Any], params: dict[str, Any]) -> tuple[Any, ...]:
    program: Program = params["program"]
    size = next(shape_of(x)[0] for x, b in zip(operands, batched, strict=True) if b)
    everything = (True,) * len(program.outputs)
    inner, _ = batched_program(program, avals_of(operands), tuple(batched), size, everything)
    return recompute(*operands, **(params | {"program": inner}))


def _split(params: dict[str, Any], avals: tuple[Aval, ...], wanted: Sequence[bool]) -> Split:
    program: Program = params["program"]
    n = len(avals)
    reusable = (False,) * len(program.outputs)
    return split_program(program, avals, tuple(wanted), reusable, (True,) * n, (False,) * n, keeps=params["keeps"])


def _augment(avals: tuple[Aval, ...], wanted: tuple[bool, ...], params: dict[str, Any]) -> Augmented:
    split = _split(params, avals, wanted)
    form = params | {"program": split.forward}
    return Augmented(form, params | {"split": split}, len(split.active), split.reads, split.sources, split.active)


def _vjp(cts: Any, outs: Any, operands: Sequence[Any], wanted: Sequence[bool], params: dict[str, Any]) -> Any:
    split: Split | None = params.get("split")
    if split is None:
        split = _split(params, avals_of(operands), wanted)
        outs = recompute(*operands, **(params | {"program": split.forward}))
    read = [x for x, r in zip(operands, split.reads, strict=True) if r]
    gs = [cotangent_of(g, o) for g, o, there in zip(cts, outs, split.active, strict=False) if there]
    ds = call(*[outs[k] for k in split.sources], *read, *gs, program=split.backward)
    return with_absent(ds, split.found)


recompute = register(
    Primitive(
        "recompute", "general", _impl, _infer, jvp_of(_dual), _vjp, _batch, reads_everything,
        r"\operatorname{{program}}({0})", multiple=True, augment=_augment, dual=_dual,
    )
)  # fmt: skip


def staged_checkpoint(f: Callable[..., Any], keeps: Policy, args: Any, kwargs: Any) -> Any:
    """A checkpointed call while something is staged."""
    leaves, treedef = pytree.flatten((args, kwargs))
    at = [k for k, x in enumerate(leaves) if is_number(x)]

    def of_numbers(*numbers: Any) -> Any:
        whole = list(leaves)
        for k, x in zip(at, numbers, strict=True):
            whole[k] = x
        inner_args, inner_kwargs = pytree.unflatten(treedef, whole)
        return f(*inner_args, **inner_kwargs)

    of_numbers.__name__ = name_of(f)
    operands = [leaves[k] for k in at]
    structure = pytree.flatten(tuple(operands))[1]
    closed = stage_closed(of_numbers, [aval_of(x) for x in operands], structure, list, "checkpoint")
    outs = bind(recompute, *closed.constants, *operands, program=closed.program, keeps=keeps)
    return pytree.unflatten(closed.out_def, outs)


STAGED.append(staged_checkpoint)
