"""summary: a model layer by layer, with shapes, parameters, multiply-adds and memory."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from wengert import pytree
from wengert.core.program import Var
from wengert.core.trace import current
from wengert.errors import UnsupportedError, at_line
from wengert.explain.summaries.invocation import Invocation
from wengert.explain.summaries.layer_calls import LAST_PART, Call, Observer
from wengert.explain.summaries.misfits import Misfit, misfit_of
from wengert.explain.summaries.operations import Kept, Work, kept_by, work_of
from wengert.explain.summaries.text import as_html, as_text
from wengert.explain.summaries.watching import Watch, watch
from wengert.transforms.inputs import is_number, name_of

__all__ = ["LayerRow", "ModelSummary", "summary"]

Shape = tuple[int, ...]


@dataclass(frozen=True)
class LayerRow:
    """One call of a layer, without the calls inside it: rows add up to the totals.

    ``path`` leads to the layer in the model (``layers[0]``; empty for the model itself), ``depth`` is the number of
    calls around it, ``shapes`` are its outputs' (None where it failed). ``learned`` and ``remembered`` are the sizes
    of its own parameters; a second call of one layer (``again``) has none. ``kept`` is in bytes. A ``looped`` row is
    one turn of a loop, which the row around it counts.
    """

    path: str
    name: str
    depth: int
    shapes: tuple[Shape, ...] | None
    learned: int
    remembered: int
    multiply_adds: int
    others: int
    kept: int
    looped: bool = False
    again: bool = False

    @property
    def output(self) -> str:
        """The shapes of the outputs as text."""
        return "" if self.shapes is None else ", ".join(map(str, self.shapes))

    def to_dict(self) -> dict[str, Any]:
        """The row in JSON's own types."""
        fields = {key: getattr(self, key) for key in self.__dataclass_fields__}
        return {**fields, "shapes": None if self.shapes is None else [list(shape) for shape in self.shapes]}


@dataclass(frozen=True)
class ModelSummary:
    """A model, layer by layer; ``print`` it, or look at ``rows``.

    ``learned``, ``remembered``, ``multiply_adds``, ``others`` and ``kept`` are totals. A multiply-add is one
    multiplication and the addition of its result (two FLOPs): each pair of factors of matmul, dot, einsum and
    convolution, zeros of a padding among them, in one forward pass of the whole batch. ``others`` has one operation for
    each element of what else is computed. ``kept`` are the bytes of values that reverse mode keeps until it walks back
    to the parameters, each once, in the layer that made it, without parameters and data, which are there anyway.

    ``failure`` says what went wrong, where something did: then the rows end with the layer that failed. ``notes`` say
    what was not counted, and whether the model had to be run.

    Example:
        >>> import wengert
        >>> from wengert import nn, random
        >>> s = wengert.summary(nn.mlp(random.key(0), [4, 16, 3], activation="tanh"), (32, 4))
        >>> s.learned, s.multiply_adds, s.kept
        (131, 3584, 4096)
        >>> [row.output for row in s.rows]
        ['(32, 3)', '(32, 16)', '(32, 16)', '(32, 3)']
    """

    name: str
    data: tuple[str, ...]
    rows: tuple[LayerRow, ...]
    notes: tuple[str, ...] = ()
    failure: Misfit | None = None

    def total(self, key: str) -> int:
        """The sum of a column; the work of a loop's turns is counted where the loop stands."""
        parameters = key in ("learned", "remembered")
        return sum(getattr(row, key) for row in self.rows if parameters or not row.looped)

    @property
    def learned(self) -> int:
        """Parameters that are learned."""
        return self.total("learned")

    @property
    def remembered(self) -> int:
        """Numbers that the model remembers and does not learn, such as running means."""
        return self.total("remembered")

    @property
    def multiply_adds(self) -> int:
        """Multiply-adds of a forward pass."""
        return self.total("multiply_adds")

    @property
    def others(self) -> int:
        """Operations besides, one for each element of a result."""
        return self.total("others")

    @property
    def kept(self) -> int:
        """Bytes that are kept for the backward pass."""
        return self.total("kept")

    @property
    def ok(self) -> bool:
        """Whether the model ran to its end."""
        return self.failure is None

    def share(self, row: LayerRow) -> float:
        """A row's share of the multiply-adds, or where there are none of the parameters."""
        key = "multiply_adds" if self.multiply_adds else "learned"
        return getattr(row, key) / (self.total(key) or 1)

    def to_dict(self) -> dict[str, Any]:
        """All of it in JSON's own types."""
        totals = {key: self.total(key) for key in ("learned", "remembered", "multiply_adds", "others", "kept")}
        return {
            "model": self.name, "data": list(self.data), "rows": [row.to_dict() for row in self.rows], "totals": totals,
            "notes": list(self.notes), "failure": None if self.failure is None else str(self.failure),
        }  # fmt: skip

    def text(self, width: int | None = None) -> str:
        """A table that fits ``width`` characters, by default the terminal's."""
        return as_text(self, width)

    def __str__(self) -> str:
        return self.text()

    __repr__ = __str__

    def _repr_html_(self) -> str:
        return as_html(self)


def summary(
    model: Callable[..., Any], data: Any = None, learned: int | Sequence[int] | None = None, **kwargs: Any
) -> ModelSummary:
    """What ``model`` computes on ``data``, layer by layer: shapes, parameters, multiply-adds, memory.

    Layers are the callable dataclasses in the model's tree, wherever they stand: those of :mod:`wengert.nn`, and your
    own. A function has one row, and one for each layer in its arguments. ``data`` is an array, the shape of a batch
    ``(32, 784)``, or a tuple of arguments, each of which may be a shape; ``kwargs`` are handed on. Parameters are those
    of the model; of a function, those in arguments that are trees rather than arrays, or in the ones that ``learned``
    names by position.

    Nothing is computed where the model can be staged, so a large one takes no longer than a small one; a model that
    asks for values is run (on standard normal numbers where only a shape is known), and a note says so.
    Counts are those of the primitives that were met; arithmetic on constants alone is not among them.

    Raises:
        ModelError: if ``model`` cannot be called, or ``data`` is no data. What the model itself raises becomes the
            summary's ``failure``.

    Example:
        >>> import wengert
        >>> from wengert import nn, random
        >>> print(wengert.summary(nn.mlp(random.key(0), [784, 100, 10]), (128, 784)).text(width=100))
        Sequential on (128, 784): 79,510 parameters, 10.2 M multiply-adds, 115 kB kept for the backward pass
        <BLANKLINE>
          layer                         output      parameters  multiply-adds    kept  share
          Sequential                    (128, 10)
            layers[0] Dense(784 → 100)  (128, 100)      78,500     10,035,200          98.7%
            layers[1] Activation(relu)  (128, 100)                             115 kB
            layers[2] Dense(100 → 10)   (128, 10)        1,010        128,000           1.3%
          total                                         79,510     10,163,200  115 kB
    """
    if current() is not None:
        raise UnsupportedError(
            f"summary({name_of(model)}) is taken inside another transform{at_line()}\n  write: it outside"
        )
    call = Invocation.of(model, data, learned, kwargs)
    observers: list[Observer] = []

    def observed(trace: Any, keywords: dict[str, Any], *traced: Any) -> Any:
        observers.append(Observer(trace))
        whole = [observers[-1].watched(x, path) for x, path in zip(traced, call.paths, strict=True)]
        head, rest = (whole[0], whole[1:]) if call.f is None else (call.f, whole)
        return observers[-1].run(head, call.name, tuple(rest), keywords)

    seen = watch(observed, (call.kwargs, *call.args))
    if not observers:
        assert seen.error is not None
        raise seen.error
    return _summarised(call, seen, observers[-1])


# ---- from what was seen to rows


def _summarised(call: Invocation, seen: Watch, observer: Observer) -> ModelSummary:
    equations = seen.trace.equations
    owner = {e: c for c in observer.calls if not c.looped for e in c.equations}
    kept = _kept_by_call(kept_by(equations, _learned_variables(call, seen)), equations, owner)
    parameters = _parameters_by_call(call, observer)
    works = [work_of(c.equations) for c in observer.calls]
    met: set[str] = set()
    rows: list[LayerRow] = []
    for c, work in zip(observer.calls, works, strict=True):
        learned, remembered = parameters.get(c, (0, 0))
        rows.append(LayerRow(
            c.path.lstrip("."), c.name, c.depth, c.shapes, learned, remembered, work.multiply_adds, work.others,
            kept[c], c.looped, c.path in met,
        ))  # fmt: skip
        met.add(c.path)
    counted = sum((w for c, w in zip(observer.calls, works, strict=True) if not c.looped), Work())
    failure = None if seen.error is None else misfit_of(seen.error)
    return ModelSummary(call.name, call.data, tuple(rows), (*call.notes, *_notes(counted, seen.reason)), failure)


def _learned_variables(call: Invocation, seen: Watch) -> set[Var]:
    """The variables of parameters; where there are none, of all inputs."""
    inputs, found = seen.inputs[1:], set[Var]()  # the first argument are the keywords
    for k in call.learned:
        remembered = pytree.state_mask(call.args[k])
        found |= {var for var, held in zip(inputs[k], remembered, strict=True) if var is not None and not held}
    return _differentiable(found) or _differentiable({var for each in inputs for var in each if var is not None})


def _differentiable(variables: set[Var]) -> set[Var]:
    return {var for var in variables if var.aval.dtype.kind in "fc"}


def _kept_by_call(kept: Kept, equations: Sequence[Any], owner: dict[Any, Call]) -> Counter[Call]:
    found: Counter[Call] = Counter()
    for n, equation in enumerate(equations):
        found[owner[equation]] += kept.residuals.get(n, 0) + sum(kept.values.get(v, 0) for v in equation.outputs)
    return found


def _parameters_by_call(call: Invocation, observer: Observer) -> dict[Call, tuple[int, int]]:
    """How many numbers are learned and remembered in each layer, without those of layers that are called inside.

    What a layer holds that is not called as a layer itself, such as the cells of an LSTM, belongs to it. Where a model
    failed, layers that it did not come to are not counted.
    """
    first = {c.path: c for c in reversed(observer.calls)}
    unreached = {path for path, _, _ in observer.known.values() if path not in first} if observer.failed else set[str]()
    found: dict[Call, tuple[int, int]] = {}
    for k in sorted(call.learned):
        tree = call.args[k]
        for (path, x), held in zip(pytree.flatten_with_paths(tree), pytree.state_mask(tree), strict=True):
            owner = _nearest(call.paths[k] + path, {**first, **dict.fromkeys(unreached)})
            if is_number(x) and owner is not None:
                learned, remembered = found.get(owner, (0, 0))
                size = int(np.size(x))
                found[owner] = (learned, remembered + size) if held else (learned + size, remembered)
    return found


def _nearest(path: str, calls: dict[str, Call | None]) -> Call | None:
    while path not in calls:
        path = LAST_PART.sub("", path) if LAST_PART.search(path) else ""
    return calls[path]


def _notes(work: Work, reason: str) -> list[str]:
    notes: list[str] = []
    if work.uncounted:
        names = ", ".join(f"{name} × {n}" if n > 1 else name for name, n in sorted(work.uncounted.items()))
        notes.append(f"not counted: {names}")
    if reason:
        notes.append(f"the model was run, since it asks for values: {reason}")
    return notes
