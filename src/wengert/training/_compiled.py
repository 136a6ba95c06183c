"""Stretches of an epoch as one native function: how they are made, and whether they are worth it.

Between two stretches Python has its turn: losses are looked at, the bar moves, Ctrl-C is heard. How many steps a
stretch has is an operand, so that one function serves all; only another number of rows in a step is another form.
"""

from __future__ import annotations

import math
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any, Literal, final

import numpy as np

from wengert import control, nn, pytree, random
from wengert.errors import DivergenceError, UnsupportedError
from wengert.optim import Optimizer
from wengert.training._steps import Loss, Part, Plan, State, Stretch, descend
from wengert.training._watching import Failure, failure_at, is_finite
from wengert.transforms import jit, machine_code

__all__ = ["Runner", "Wanted"]

Wanted = bool | Literal["auto"]
SECONDS = 0.2  # how long a stretch should take: Ctrl-C and the bar wait for its end


def native(loss: Loss, optimizer: Optimizer) -> Callable[..., Any]:
    """Steps ``begin`` … ``end`` − 1 of a part as a function that is staged once."""

    def stretch(
        begin: int, end: int, model: Any, inner: Any, losses: Any, outputs: Any, inputs: Any, targets: Any, rows: Any,
        first: int, noise: Any,
    ) -> Any:  # fmt: skip
        def step(k: Any, carry: Any) -> Any:
            model, inner, _, losses, outputs = carry
            key = None if noise is None else random.fold_in(noise, first + k)
            x, y = inputs[rows[k]], targets[rows[k]]
            model, inner, value, found, gradients = descend(loss, optimizer, model, inner, x, y, key)
            losses[k] = value
            if outputs is not None:
                outputs[k] = found
            return model, inner, gradients, losses, outputs

        none_yet = pytree.map(np.zeros_like, model)
        return control.fori_loop(begin, end, step, (model, inner, none_yet, losses, outputs))

    # these belong to this module alone; models go out to callbacks and are kept as the best
    return jit(stretch, donate=("inner", "losses", "outputs"))


def seconds_of(plan: Plan, model: Any, rows: int) -> float:
    """About how long a step takes in Python: what each leaf and each multiplication costs.

    Counted, not measured: the same seed has to give the same bits, which depend on who computes them.
    """
    shape = plan.data.inputs.shape[1:]
    places = math.prod(shape[:-1])  # where weights are used anew: steps in time, points of a picture
    calls = len(pytree.leaves(model)) * (places if len(shape) == 2 else 1)  # a loop over time is one of Python
    return 1e-4 + 7e-5 * calls + 3e-10 * nn.count_parameters(model) * rows * places


def seconds_to_compile(model: Any) -> float:
    """About how long it takes to load the compiler and to make machine code of a step."""
    return 0.3 + 0.03 * len(pytree.leaves(model))


@final
@dataclass(frozen=True)
class Leg:
    """A stretch that was taken: so many ``steps`` of a part, from number ``at``, from ``state``."""

    state: State
    part: Part
    at: int
    steps: int


@final
class Runner:
    """Takes the steps of training, as machine code where that is wanted, possible and worth it."""

    def __init__(
        self, plan: Plan, epochs: int, wanted: Wanted, note: Callable[[str], None], watched: bool = False
    ) -> None:
        self.plan, self.epochs, self.wanted, self.note, self.watched = plan, epochs, wanted, note, watched
        self.run = native(plan.loss, plan.optimizer)
        self.chosen: dict[int, bool] = {}  # by the number of rows in a step: whether it is compiled
        self.pace: dict[int, int] = {}  # and how many steps a stretch has
        self.sample: Stretch | None = None  # a step taken in Python: what comes out of one
        self.pauses: list[int] = []  # after multiples of these many steps Python has its turn
        self.own: Any = None  # the optimiser's state that came from machine code, and belongs to nobody else
        self.trail: list[Leg] = []  # where the last two stretches started from, if somebody watches
        self.losses: list[Any] = []  # of the epoch
        self.failure: Failure | None = None

    def epoch(self, state: State, number: int) -> Iterator[Stretch]:
        """The steps of an epoch, a stretch at a time."""
        self.losses = []
        for part in self.plan.parts(state.model, number):
            at = 0
            while at < len(part.rows):
                done = self.stretch(state, part, at) if self.takes(state, part) else self.step(state, part, at)
                self.check(state, done, part, at)
                at, state = at + len(done.losses), done.state
                yield done

    def check(self, state: State, done: Stretch, part: Part, at: int) -> None:
        """Stop where a loss is not finite; where somebody watches, with the step that began it."""
        if self.watched:
            self.trail = [*self.trail[-1:], Leg(state, part, at, len(done.losses))]
            self.losses.append(done.losses)
        try:
            self.plan.check_losses(done.losses, part, at)
        except DivergenceError as error:
            self.failure = self.traced_back(error, done.losses) if self.watched else None
            raise

    def traced_back(self, error: DivergenceError, losses: Any) -> Failure:
        """The last step that started from finite parameters: at the first loss that is not finite, or before it."""
        leg, k = self.trail[-1], int(np.argmin(np.isfinite(losses)))
        state = self.retaken(leg, k)
        if not is_finite(state.model) and (k or len(self.trail) > 1):
            leg, k = (leg, k - 1) if k else (self.trail[0], self.trail[0].steps - 1)
            state = self.retaken(leg, k)
        return failure_at(error, self.plan, state, leg.part, leg.at + k, np.concatenate(self.losses))

    def retaken(self, leg: Leg, steps: int) -> State:
        """The state after so many steps of a stretch, taken once more."""
        if not steps:
            return leg.state
        inner = pytree.map(_copy, leg.state.optimizer)
        model, inner, *_ = self.call(leg.state.model, inner, leg.part, leg.at, leg.at + steps)
        return State(model, inner, leg.state.steps + steps)

    def step(self, state: State, part: Part, at: int) -> Stretch:
        """One step in Python."""
        self.sample = self.plan.step(state, part, at)
        return self.sample

    def takes(self, state: State, part: Part) -> bool:
        """Whether the steps of a part are compiled. The first one of all never is: it shows the user's own errors."""
        if self.wanted is False or self.sample is None:
            return False
        size = part.rows.shape[1]
        if size not in self.chosen:
            worth = self.wanted is True or self.pays(state, part)
            self.chosen[size] = worth and self.compiles(state, part)
        return self.chosen[size]

    def pays(self, state: State, part: Part) -> bool:
        """Whether the steps that are left would take longer in Python than their compilation."""
        left = len(part.rows) * (self.epochs - part.epoch + 1)
        return left * seconds_of(self.plan, state.model, part.rows.shape[1]) > seconds_to_compile(state.model)

    def compiles(self, state: State, part: Part) -> bool:
        """Make the machine code. What cannot be compiled stays in Python, or raises where it must not."""
        self.check_targets()
        try:
            if not machine_code():
                raise UnsupportedError("machine code is made by llvmlite: pip install llvmlite")
            self.call(state.model, pytree.map(_copy, state.optimizer), part, 0, 0)
        except Exception as error:
            if self.wanted is True:
                error.add_note('  in training.fit(…, compiled=True); compiled="auto" trains in Python where it must')
                raise
            self.wanted = False
            self.note(f"training in Python, not compiled: {str(error).splitlines()[0]}")
            return False
        return True

    def check_targets(self) -> None:
        """Let the loss see the smallest and the largest label: machine code does not look at them."""
        assert self.sample is not None
        targets = self.plan.data.targets
        if targets.dtype.kind in "iub":
            for extreme in (np.argmin, np.argmax):
                rows = self.sample.rows[0].copy()
                rows[0] = np.unravel_index(extreme(targets), targets.shape)[0]
                self.plan.loss(self.sample.outputs, targets[rows])

    def stretch(self, state: State, part: Part, at: int) -> Stretch:
        """As many steps as fit into a short while."""
        size = part.rows.shape[1]
        last = len(part.rows) - 1  # a stretch of its own: the update that it makes is measured
        ends = [at + n - state.steps % n for n in self.pauses]
        end = min([at + 1 if at == last else min(at + self.pace.get(size, 1), last), *ends])
        # what came from Python may be one array twice, or an array that the model holds too
        ours = state.optimizer is self.own and not self.watched
        inner = state.optimizer if ours else pytree.map(_copy, state.optimizer)
        begun = time.perf_counter()
        model, inner, gradients, losses, outputs = self.call(state.model, inner, part, at, end)
        self.pace[size] = max(1, int(SECONDS * (end - at) / (time.perf_counter() - begun)))
        self.own = inner
        if outputs is not None:
            outputs = outputs[at:end].reshape(-1, *outputs.shape[2:])
        after = State(model, inner, state.steps + end - at)
        return Stretch(state.model, after, part.rows[at:end], losses[at:end], outputs, gradients)

    def call(self, model: Any, inner: Any, part: Part, begin: int, end: int) -> Any:
        """The native function on steps of a part; none at all only compiles it."""
        assert self.sample is not None
        outputs, shape = None, part.rows.shape
        if self.plan.metrics:
            outputs = np.empty((*shape, *self.sample.outputs.shape[1:]), self.sample.outputs.dtype)
        return self.run(
            begin, end, model, inner, np.empty(len(part.rows), self.sample.losses.dtype), outputs,
            self.plan.data.inputs, self.plan.data.targets, part.rows, part.first, part.noise,
        )  # fmt: skip


def _copy(x: Any) -> Any:
    return x.copy() if isinstance(x, np.ndarray) else x
