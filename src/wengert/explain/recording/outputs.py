"""What the explained function returned: which steps these are, and with what cotangents the walk back begins."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np

from wengert import pytree
from wengert.core.trace import Constant, Tracer
from wengert.core.types import aval_of, dtype_of, shape_of
from wengert.errors import DerivativeError, ModelError, ShapeError, at_line
from wengert.explain.recording.record import Entry, Recording
from wengert.transforms.gradients import seed
from wengert.transforms.inputs import check_tangent, is_number, name_of

__all__ = ["Outputs", "outputs_of"]


@dataclass(frozen=True, slots=True)
class Outputs:
    """The function's value, its parts with their entries, and the cotangents of those that are differentiated.

    ``entries`` is by path; ``chosen`` is the entry that stands for the output. Where nothing says what the gradient is
    to be of, ``seeds`` is empty and ``missing`` a message with the line to write.
    """

    value: Any
    entries: dict[str, int]
    chosen: int
    seeds: dict[int, Any]
    missing: str = ""


def outputs_of(trace: Recording, f: Callable[..., Any], out: Any, output: int | str | None, weights: Any) -> Outputs:
    """The outputs of a function that has returned ``out``."""
    parts = pytree.flatten_with_paths(out)
    numbers = [(path, x) for path, x in parts if is_number(x)]
    if not numbers:
        kind = type(out).__name__
        shown = (
            "None" if out is None else f"a {kind}, {out!r:.60}" if isinstance(out, list | tuple | dict) else f"a {kind}"
        )
        raise DerivativeError(
            f"explain({name_of(f)}): the function returned {shown}, in which there is no number{at_line()}\n"
            "  write: return with the number or array that is to be explained"
        )
    entries = {path: _entry(trace, x, path) for path, x in numbers}
    value = pytree.map(lambda x: trace.value_of(x), out)
    wanted = _selected(f, list(entries), output)
    tree = value if output is None else _part(value, parts, wanted)
    seeds, missing = _seeds(trace, f, {path: entries[path] for path in wanted}, tree, weights, output)
    chosen = next((entries[path] for path in wanted if entries[path] in seeds), entries[wanted[0]])
    return Outputs(value, entries, chosen, seeds, missing)


def _entry(trace: Recording, x: Any, path: str) -> int:
    """The entry of an output; a constant becomes one."""
    n = x.i if isinstance(x, Tracer) and type(x) is not Constant and x.t is trace else trace.index_of(x)
    return n if n >= 0 else trace.note(Entry(trace.value_of(x), params={"path": path}))


def _selected(f: Callable[..., Any], paths: list[str], output: int | str | None) -> list[str]:
    """The paths that ``output`` names: a part's number or path, and all parts in it."""
    if output is None:
        return paths
    begin = output if isinstance(output, str) else f"[{output}]"
    found = [path for path in paths if path == begin or path.startswith((begin + "[", begin + "."))]
    if not found and isinstance(output, int) and 0 <= output < len(paths):
        found = [paths[output]]  # by its number, where parts have names
    if not found:
        known = ", ".join(path or "the value itself" for path in paths)
        raise ModelError(
            f"explain({name_of(f)}, output={output!r}): the function has no such output{at_line()}\n  it has: {known}"
        )
    return found


def _part(value: Any, parts: list[tuple[str, Any]], wanted: list[str]) -> Any:
    """The part of the value that was chosen, as a tree."""
    leaves = dict(zip([path for path, _ in parts], pytree.leaves(value), strict=True))
    return leaves[wanted[0]] if len(wanted) == 1 else [leaves[path] for path in wanted]


def _seeds(
    trace: Recording, f: Callable[..., Any], entries: dict[str, int], tree: Any, weights: Any, output: int | str | None
) -> tuple[dict[int, Any], str]:
    """The cotangents that the walk back begins with, or why there are none."""
    values = {path: trace.entries[n].out for path, n in entries.items()}
    real = {path: x for path, x in values.items() if dtype_of(x).kind in "fc"}
    if weights is not None:
        return _weighted(f, entries, real, tree, weights), ""
    if len(values) == 1:
        ((path, x),) = values.items()
        if not shape_of(x) and dtype_of(x).kind == "f":
            return {entries[path]: seed(x)}, ""
        if not shape_of(x) and dtype_of(x).kind != "c":
            return {}, f"{_call(f, output)} gave {aval_of(x)}, and no real number: it has no gradient"
    return {}, _missing(f, values, output)


def _weighted(
    f: Callable[..., Any], entries: dict[str, int], real: dict[str, Any], tree: Any, weights: Any
) -> dict[int, Any]:
    what = f"explain({name_of(f)}, weights=...)"
    if is_number(weights) and not shape_of(weights):
        given: list[Any] = [np.full(shape_of(x), weights, dtype_of(x))[()] for x in real.values()]
    else:
        given = [w for w, x in zip(pytree.leaves(weights), pytree.leaves(tree), strict=False) if _has_gradient(x)]
        if len(pytree.leaves(weights)) != len(pytree.leaves(tree)):
            raise ShapeError(
                f"{what}: {len(pytree.leaves(weights))} weights for {len(pytree.leaves(tree))} outputs{at_line()}\n"
                "  write: a number, or a tree like the output, with an array of weights for each array"
            )
    seeds: dict[int, Any] = {}
    for (path, x), w in zip(real.items(), given, strict=True):
        if not is_number(w):
            raise DerivativeError(
                f"{what}: the weight of {path or 'the output'} is a {type(w).__name__}, and no number{at_line()}\n"
                "  write: weights=1.0 for the sum of all elements"
            )
        w = check_tangent(w, x, f"the weight of {path or 'the output'}", what)
        w = np.asarray(w, dtype_of(w))[()] if not shape_of(w) else np.array(w, dtype_of(x))
        n = entries[path]
        seeds[n] = w if n not in seeds else seeds[n] + w
    return seeds


def _has_gradient(x: Any) -> bool:
    return is_number(x) and dtype_of(x).kind in "fc"


def _call(f: Callable[..., Any], output: int | str | None) -> str:
    return name_of(f) if output is None else f"output {output} of {name_of(f)}"


def _missing(f: Callable[..., Any], values: dict[str, Any], output: int | str | None) -> str:
    name, chosen = name_of(f), "" if output is None else f", output={output!r}"
    if len(values) > 1:
        shown = ", ".join(f"{path} {aval_of(x)}" for path, x in list(values.items())[:4])
        more = ", …" if len(values) > 4 else ""
        return (
            f"{_call(f, output)} gave {len(values)} values ({shown}{more}); a gradient is of one number\n"
            f"  write: wengert.explain({name}, output=0), or weights= for a weighted sum of them"
        )
    ((_, x),) = values.items()
    if dtype_of(x).kind == "c":
        return (
            f"{_call(f, output)} gave a complex number ({aval_of(x)}); a gradient is of a real one\n"
            f"  write: np.abs(z)**2, z.real or z.imag of it, or wengert.explain({name}{chosen}, weights=1.0) for the "
            "gradient of its real part"
        )
    return (
        f"{_call(f, output)} gave an array of shape {shape_of(x)}; a gradient is of one number\n"
        f"  write: wengert.explain({name}{chosen}, weights=1.0) for the gradient of the sum of its elements, or an\n"
        f"  array of weights of shape {shape_of(x)} for that of a weighted sum"
    )
