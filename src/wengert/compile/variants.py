"""Code for one thread and code for a team: what is faster depends on the machine, and on who else works on it.

A team waits at barriers. Where a processor is taken by others for a while, all wait for the thread that has lost it,
and a team can be many times slower than one thread alone. So both are measured, and the other one is tried again from
time to time.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Any, final

from wengert.compile.threads import blas_threads

__all__ = ["Variants"]

LARGE = 1e-3  # seconds of a call that a team runs from the first one on
SPENT = 0.5  # seconds of work after which the other variant is compiled
MAKING = 5.0  # or so many times what it took to make the first
TRIALS = 3  # calls of a trial
AGAIN = 3.0  # seconds of work until the next trial


@final
class Variants:
    """A compiled Program that is run by one thread or by a team, whichever has been faster."""

    def __init__(self, make: Callable[[int], Any], team: int, seconds: float, coarse: bool = False) -> None:
        self.make, self.team = make, team
        # large products are BLAS's own affair, which has threads too
        self.best = team if seconds > LARGE and not coarse else 1
        self.times: dict[int, float] = {}  # of a call, the least of the latest trial
        self.trial = 0  # calls that are left of a trial of the other variant
        begun = time.perf_counter()
        self.made: dict[int, Any] = {self.best: make(self.best)}
        # not before as much has been computed as it takes to compile the other one
        self.spent, self.next = 0.0, max(SPENT, MAKING * (time.perf_counter() - begun))

    @property
    def program(self) -> Any:
        """The Program that is run."""
        return self.made[self.best].program

    @property
    def core(self) -> Any:
        """The code of the variant that is used now."""
        return self.made[self.best].core

    @property
    def entry(self) -> Callable[..., Any]:
        """A function of operands that gives NotImplemented where it was not made for them."""
        return self.native

    @property
    def other(self) -> int:
        """The variant that is not used now."""
        return self.team if self.best == 1 else 1

    def native(self, *operands: Any) -> Any:
        """Run on operands that are just right."""
        return self.run(operands, "entry")

    def __call__(self, *operands: Any) -> Any:
        """Run on operands that may have to be converted."""
        return self.run(operands, "__call__")

    def run(self, operands: tuple[Any, ...], how: str) -> Any:
        """One call by the variant whose turn it is, timed."""
        threads = self.other if self.trial else self.best
        begun = time.perf_counter()
        out = self.call(threads, how, operands)
        if out is not NotImplemented:
            self.note(threads, time.perf_counter() - begun)
        return out

    def call(self, threads: int, how: str, operands: tuple[Any, ...]) -> Any:
        """A call; BLAS does not bring threads of its own into a team."""
        made = self.made[threads]
        call = getattr(made, how)
        if threads == 1 or not made.uses_blas:
            return call(*operands)
        before = blas_threads(1)
        try:
            return call(*operands)
        finally:
            blas_threads(before)

    def note(self, threads: int, seconds: float) -> None:
        """Take a measurement, and decide what is next."""
        least = self.times.get(threads)
        self.times[threads] = seconds if least is None else min(seconds, 1.1 * least)  # old records fade
        self.spent += seconds
        if self.trial:
            self.trial -= 1
            if not self.trial:
                if self.times[threads] < self.times[self.best]:
                    self.best = threads
                self.hand_over(self.best)
        elif self.spent > self.next:
            if self.other not in self.made:
                self.made[self.other] = self.make(self.other)
            self.times.pop(self.other, None)
            self.hand_over(self.other)
            self.trial = TRIALS
            self.next = self.spent + AGAIN

    def hand_over(self, threads: int) -> None:
        """The memory of the last call goes to the variant that is used from now on: both need it, never at once."""
        self.made[threads].take_over(self.made[self.team if threads == 1 else 1])
