"""One thread or a team: the one that has been faster, with a trial of the other one now and then."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

import pytest

from wengert.compile import variants
from wengert.compile.variants import Variants


class Clock:
    """Time that only calls spend."""

    def __init__(self) -> None:
        self.now = 0.0
        self.cost = {1: 0.01, 2: 0.004}
        self.made: list[int] = []
        self.calls: list[int] = []
        self.memory: int | None = None  # who has that of the last call

    def make(self, threads: int) -> Any:
        self.made.append(threads)

        def call(*_: Any) -> list[int]:
            self.now += self.cost[threads]
            self.calls.append(threads)
            assert self.memory in (None, threads)
            self.memory = threads
            return [threads]

        def take_over(other: Any) -> None:
            assert other.threads != threads
            self.memory = threads  # if the other has it

        return SimpleNamespace(
            entry=call, __call__=call, take_over=take_over, threads=threads, uses_blas=False, program=None
        )


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> Clock:
    made = Clock()
    monkeypatch.setattr(variants.time, "perf_counter", lambda: made.now)
    return made


def test_the_team_is_made_when_it_pays_and_kept_when_it_is_faster(clock: Clock) -> None:
    f = Variants(clock.make, 2, 0.0005)
    f.native()
    assert clock.made == [1]
    for _ in range(60):
        f.native()
    assert clock.made == [1, 2]
    assert clock.calls[-1] == 2


def test_a_team_that_is_slower_is_tried_and_left(clock: Clock) -> None:
    clock.cost[2] = 0.05  # somebody else works on the machine
    f = Variants(clock.make, 2, 0.0005)
    for _ in range(100):
        f.native()
    assert clock.calls.count(2) == variants.TRIALS
    assert clock.calls[-1] == 1


def test_what_changes_later_is_noticed(clock: Clock) -> None:
    f = Variants(clock.make, 2, 0.0005)
    for _ in range(100):
        f.native()
    assert f.best == 2
    clock.cost[2] = 0.05
    for _ in range(400):
        f.native()
    assert f.best == 1


def test_long_calls_begin_with_the_team(clock: Clock) -> None:
    Variants(clock.make, 2, 1.0)
    assert clock.made == [2]


def test_large_products_begin_with_the_threads_of_blas(clock: Clock) -> None:
    Variants(clock.make, 2, 1.0, coarse=True)
    assert clock.made == [1]


def test_operands_that_do_not_fit_are_no_measurement(clock: Clock) -> None:
    def make(threads: int) -> Any:
        made = clock.make(threads)
        made.entry = lambda *_: NotImplemented
        return made

    f = Variants(make, 2, 0.0005)
    assert f.native() is NotImplemented
    assert f.spent == 0.0
