"""The types of what loops carry and branches give: brought together where that is safe, refused where it is not."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

from wengert import pytree
from wengert.core.program import Program
from wengert.core.trace import Tracer
from wengert.core.types import Aval, aval_of
from wengert.errors import ShapeError, TraceError, at_line
from wengert.ops.elementwise import cast
from wengert.transforms.closing import Closed, stage_closed
from wengert.transforms.inputs import is_number, name_of
from wengert.transforms.programs import coerced, derived, staged

__all__ = ["check_numbers", "common_types", "entered", "stage_loop", "with_types"]

Body = Callable[[Any, Any], tuple[Any, Any]]
_RANK = {"b": 0, "u": 1, "i": 1, "f": 2, "c": 3}
_PYTHON: dict[str, Any] = {"b": bool, "i": int, "f": float, "c": complex}


def joined(a: Aval, b: Aval) -> Aval | None:
    """The type that values of both types can take without loss, or None; Python's numbers take any that they fit."""
    if a.shape != b.shape:
        return None
    strong = [x.dtype for x in (a, b) if x.kind != "python"]
    if len(strong) == 2 and a.dtype != b.dtype:
        return None
    widest = max((a.dtype, b.dtype), key=lambda d: _RANK[d.kind])
    if strong and _RANK[widest.kind] > _RANK[strong[0].kind]:
        return None
    dtype = strong[0] if strong else widest
    kinds = {a.kind, b.kind}
    return Aval(a.shape, dtype, a.kind if len(kinds) == 1 else "scalar")


def entered(x: Any, aval: Aval) -> Any:
    """A value as one of this type."""
    if aval.kind != "python" or aval_of(x) == aval:
        return coerced(x, aval)
    return cast(x, dtype=aval.dtype) if isinstance(x, Tracer) else _PYTHON[aval.dtype.kind](x)


def check_numbers(tree: Any, what: str) -> tuple[list[Any], pytree.TreeDef]:
    """The leaves of what a loop carries or runs over, each of which must be a number or an array."""
    for path, x in pytree.flatten_with_paths(tree):
        if not is_number(x):
            raise TraceError(
                f"{what}{path} is a {type(x).__name__}, and not a number or an array of numbers{at_line()}\n"
                "  write: what is the same in all steps into the function itself, which may close over anything"
            )
    return pytree.flatten(tree)


def stage_loop(
    f: Body, init: Any, slices: Sequence[Aval], slices_def: pytree.TreeDef, what: str
) -> tuple[Closed, tuple[Aval, ...]]:
    """Stage a loop's body ``f(carry, slice) -> (carry, y)``, and say which types the carry keeps from step to step.

    Python's numbers in ``init`` become what the body makes of them; where anything else changes its type, the loop
    has none.
    """
    leaves, treedef = check_numbers(init, f"{what}: init")
    paths = [path for path, _ in pytree.flatten_with_paths(init)]
    args_def = pytree.flatten((init, pytree.unflatten(slices_def, [0] * len(slices))))[1]
    carry = tuple(aval_of(x) for x in leaves)

    def checked(state: Any, x: Any) -> Any:
        out = f(state, x)
        if pytree.flatten(out[0])[1] != treedef:
            raise ShapeError(
                f"{what}: the carry has structure {treedef}, and the function gave {pytree.flatten(out[0])[1]}"
                f"{at_line()}\n  write: the function so that it returns the carry with the structure it was given"
            )
        return out

    checked.__name__ = name_of(f)
    while True:
        closed = stage_closed(checked, [*carry, *slices], args_def, _kept(carry), what)
        after = tuple(_agreed(*x, what) for x in zip(carry, closed.avals, paths, strict=False))
        if after == carry:
            return closed, carry
        carry = after


def _kept(carry: Sequence[Aval]) -> Callable[[list[Any]], list[Any]]:
    """What makes results the types of the carry where these can take them."""

    def finish(outs: list[Any]) -> list[Any]:
        new = [coerced(x, t) if joined(t, aval_of(x)) == t else x for x, t in zip(outs, carry, strict=False)]
        return [*new, *outs[len(carry) :]]

    return finish


def _agreed(before: Aval, after: Aval, path: str, what: str) -> Aval:
    """The type of one leaf of the carry, which has come in as one type and gone out as another."""
    out = joined(before, after)
    if out is not None:
        return out
    if before.shape != after.shape:
        remedy = f"an initial value of shape {after.shape}, or a function that keeps the shape {before.shape}"
    elif before.kind == "python":
        remedy = f"np.{after.dtype}(...) as initial value, or np.{before.dtype}(...) of what the function returns"
    else:
        remedy = f"init{path}.astype(np.{after.dtype}), or .astype(np.{before.dtype}) of what the function returns"
    raise ShapeError(
        f"{what}: carry{path} goes into a step as {before} and comes out as {after}; its type must stay the same"
        f"{at_line()}\n  write: {remedy}"
    )


# ---- branches


def common_types(branches: Sequence[Closed], what: str) -> tuple[Aval, ...]:
    """The types that all branches can give their results as."""
    first = branches[0]
    for k, other in enumerate(branches[1:], 1):
        if other.out_def != first.out_def:
            raise ShapeError(
                f"{what}: branch 0 gives a result of structure {first.out_def}, branch {k} one of {other.out_def}"
                f"{at_line()}\n  write: branches that return the same structure"
            )
    types = list(first.avals)
    paths = [path for path, _ in pytree.flatten_with_paths(pytree.unflatten(first.out_def, [0] * len(types)))]
    for k, other in enumerate(branches[1:], 1):
        for n, aval in enumerate(other.avals):
            out = joined(types[n], aval)
            if out is None:
                raise ShapeError(
                    f"{what}: result{paths[n]} is {types[n]} in branch {k - 1} and {aval} in branch {k}{at_line()}\n"
                    "  write: branches that return the same shapes and dtypes (np.broadcast_to, .astype)"
                )
            types[n] = out
    return tuple(types)


def with_types(program: Program, types: tuple[Aval, ...]) -> Program:
    """The same Program with results of these types."""
    if all(a.aval == t for a, t in zip(program.outputs, types, strict=True)):
        return program

    def typed(*xs: Any) -> list[Any]:
        return [entered(x, t) for x, t in zip(program.evaluate(xs), types, strict=True)]

    inputs = tuple(v.aval for v in program.inputs)
    return derived(program, ("with types", types), lambda: staged(typed, inputs, program.name))
