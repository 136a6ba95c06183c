"""Code that threads share: the barrier between two kernels, a helper's loop, the run of a job by a team.

A job is a core that every thread of the team runs with its own number. Helpers look for the next job for some tens
of microseconds, so that one job after another starts within a microsecond, and then sleep until they are woken.

A thread whose core returns a code other than 0 has failed. The others find that at their next barrier and leave with
the same code, so nobody waits for somebody who has gone.
"""

from __future__ import annotations

import sys
from typing import Final

from wengert.compile import atomic
from wengert.compile.emit import I8, I32, I64, PTR, Emitter, Value
from wengert.compile.records import PLACES, Gate, Group, Team, at, get, put

__all__ = [
    "LOOKS", "barrier", "define_dismiss", "define_gate", "define_group", "define_pause", "define_run", "define_spin",
    "define_worker", "give_free", "take_free",
]  # fmt: skip

# At a barrier, before the processor is offered to another thread: about 3 microseconds. Where every thread has a
# processor this costs nothing, and where there are fewer, the one that is waited for runs sooner: with three threads
# on two processors a barrier took 20 times as long when 2000 looks were taken first.
LOOKS: Final = 64
_BARRIER: Final = "wengert_barrier"
UNKNOWN: Final = -1  # a thread that does not say which one it is


def barrier(e: Emitter, team: Value, threads: int, thread: Value | None = None) -> None:
    """Wait until all ``threads`` of the team are here; all that they wrote before is seen afterwards.

    To be emitted in the body of a core, outside of what only some threads run. Where a thread has failed, the core
    returns its code. For one thread nothing is emitted. ``thread``: which one it is that waits.
    """
    if threads == 1:
        return
    _define_barrier(e)
    code = e.call(_BARRIER, I32, team, e.const(I64, threads), thread or e.const(I64, UNKNOWN))
    failed, passed = e.fresh("F"), e.fresh("P")
    e.branch(code.differs(0), failed, passed)
    e.begin(failed)
    e.ret(code)
    e.begin(passed)


def _define_barrier(e: Emitter) -> None:
    """Once in a module. The number of barriers passed is read before arriving, for it cannot change until all are."""
    if _BARRIER in e.defined:
        return
    types = ["ptr", "i64", "i64"]
    with e.function(_BARRIER, types, I32, export=False, attributes="noinline ") as (team, threads, thread):
        arrived, passed, failed = (at(e, team, Team, f) for f in ("arrived", "passed", "code"))
        before = atomic.load(e, passed)

        def last() -> None:
            atomic.store(e, 0, arrived, "monotonic")
            atomic.store(e, before + 1, passed)

        def wait() -> None:
            def ready() -> Value:
                return atomic.load(e, passed).differs(before) | atomic.load(e, failed).differs(0)

            atomic.spin(e, ready, lambda: _yield(e, team, thread), LOOKS)

        e.if_((atomic.add(e, arrived, 1, "acq_rel") + 1).equals(threads), last, wait)
        e.ret(e.convert(atomic.load(e, failed), I32))


def _yield(e: Emitter, team: Value, thread: Value) -> None:
    """Another thread may be waiting for this processor."""
    function = get(e, team, Team, "pause")
    e.value(I32, f"call i32 {function.name}({team}, {thread})")


def define_pause(e: Emitter) -> None:
    """``i32 wengert_pause(ptr team, i64 thread)``: let others have the processor; helpers leave it to the caller."""
    with e.function("wengert_pause", ["ptr", "i64"], I32) as (team, thread):
        if "wengert_place" in e.symbols:
            e.if_(thread.equals(0), lambda: _note_place(e, team))
            e.if_(thread > 0, lambda: _step_aside(e, team))
        e.ret(e.call("wengert_yield", I32))


def _note_place(e: Emitter, team: Value) -> None:
    put(e, e.convert(e.call("wengert_place", I32), I64), team, Team, "place")


def define_worker(e: Emitter) -> None:
    """``ptr wengert_work(ptr helper)``: a helper's life. At ``helper`` stand the team's address and its number."""
    with e.function("wengert_work", ["ptr"], PTR) as (helper,):
        team, number = e.load(helper, PTR), e.load(helper, I64, 1)
        round_ = at(e, team, Team, "round")

        def job(seen: Value) -> list[Value]:
            now = _next_round(e, team, round_, seen)
            working = e.fresh("working")
            e.branch(get(e, team, Team, "core").differs(e.const(PTR, 0)), working, "dismissed")
            e.begin(working)
            _step_aside(e, team)
            _work(e, team, number)
            atomic.add(e, at(e, team, Team, "working"), -1, "release")
            return [now]

        e.while_(lambda _seen: e.const(I64, 0).equals(0), job, [e.const(I64, 0)])
        e.jump("dismissed")
        e.begin("dismissed")
        e.ret(e.const(PTR, 0))


def _step_aside(e: Emitter, team: Value) -> None:
    """Leave the caller's processor to the caller: the system may put who is woken beside who woke it, for a while.

    Both would then run by turns, and wait for one another at each barrier until the other's turn comes.
    """
    if "wengert_place" not in e.symbols:
        return
    here = e.convert(e.call("wengert_place", I32), I64)
    others = e.alloca(I8, PLACES)

    def go() -> None:
        e.declare("llvm.memcpy.p0.p0.i64", "declare void @llvm.memcpy.p0.p0.i64(ptr, ptr, i64, i1)")
        e.line(f"call void @llvm.memcpy.p0.p0.i64({others}, {at(e, team, Team, 'allowed')}, i64 {PLACES}, i1 false)")
        bit = e.convert(e.shl(e.const(I64, 1), here & 7), I8)
        byte = e.shr(here, 3)
        e.store(e.load(others, I8, byte) & e.invert(bit), others, byte)
        e.call("wengert_go", I32, e.const(I32, 0), e.const(I64, PLACES), others)

    e.if_(here.equals(get(e, team, Team, "place")) & (here < 8 * PLACES), go)


def _work(e: Emitter, team: Value, number: Value) -> None:
    """Run the core as one of the team; the first code is kept."""
    core, operands, arena = (get(e, team, Team, f) for f in ("core", "operands", "arena"))
    code = e.value(I32, f"call i32 {core.name}({operands}, {arena}, {number}, {team})")
    e.if_(code.differs(0), lambda: atomic.put_if_zero(e, e.convert(code, I64), at(e, team, Team, "code")))


def _next_round(e: Emitter, team: Value, round_: Value, seen: Value) -> Value:
    """Look for a while; then sleep."""

    def fresh(_k: Value) -> Value:
        return atomic.load(e, round_).equals(seen)

    spins = get(e, team, Team, "spins")

    def look(k: Value) -> list[Value]:
        atomic.pause(e)
        return [k + 1]

    (looks,) = e.while_(lambda k: (k < spins) & fresh(k), look, [e.const(I64, 0)])
    e.if_(e.invert(looks < spins), lambda: _sleep(e, team, round_, seen))
    return atomic.load(e, round_)


def _sleep(e: Emitter, team: Value, round_: Value, seen: Value) -> None:
    """A sleeper counts itself before it looks once more; a caller begins a round before it counts the sleepers."""
    mutex, wake, sleepers = (at(e, team, Team, f) for f in ("mutex", "wake", "sleepers"))
    e.call("wengert_lock", I32, mutex)
    atomic.add(e, sleepers, 1)
    e.while_(lambda: atomic.load(e, round_, "seq_cst").equals(seen), lambda: _wait(e, wake, mutex))
    atomic.add(e, sleepers, -1)
    e.call("wengert_unlock", I32, mutex)


def _wait(e: Emitter, condition: Value, mutex: Value) -> None:
    if sys.platform == "win32":
        e.call("wengert_wait", I32, condition, mutex, e.const(I32, -1), e.const(I32, 0))
    else:
        e.call("wengert_wait", I32, condition, mutex)


def define_run(e: Emitter) -> None:
    """``i32 wengert_run(ptr team, ptr core, ptr operands, ptr arena)``: a job, done by the team and this thread."""
    with e.function("wengert_run", ["ptr"] * 4, I32) as (team, core, operands, arena):
        for value, field in ((core, "core"), (operands, "operands"), (arena, "arena"), (0, "arrived"), (0, "code")):
            put(e, value, team, Team, field)
        put(e, get(e, team, Team, "threads") - 1, team, Team, "working")
        if "wengert_place" in e.symbols:
            _note_place(e, team)
        _begin_round(e, team)
        _work(e, team, e.const(I64, 0))
        working = at(e, team, Team, "working")
        atomic.spin(e, lambda: atomic.load(e, working).equals(0), lambda: _yield(e, team, e.const(I64, 0)), LOOKS)
        e.ret(e.convert(atomic.load(e, at(e, team, Team, "code")), I32))


def define_dismiss(e: Emitter) -> None:
    """``wengert_dismiss(ptr team)``: the helpers end; a job without a core tells them so."""
    with e.function("wengert_dismiss", ["ptr"]) as (team,):
        put(e, e.const(PTR, 0), team, Team, "core")
        _begin_round(e, team)


def _begin_round(e: Emitter, team: Value) -> None:
    """Those who look see it at once; those who sleep are woken."""

    def rouse() -> None:
        mutex = at(e, team, Team, "mutex")
        e.call("wengert_lock", I32, mutex)
        e.call("wengert_wake", I32, at(e, team, Team, "wake"))
        e.call("wengert_unlock", I32, mutex)

    atomic.add(e, at(e, team, Team, "round"), 1)
    e.if_(atomic.load(e, at(e, team, Team, "sleepers"), "seq_cst").differs(0), rouse)


def take_free(e: Emitter, group: Value) -> Value:
    """A team of the group that does nothing, taken out of it; null where there is none."""
    free = get(e, group, Group, "free")

    def take() -> None:
        put(e, get(e, free, Team, "next"), group, Group, "free")

    e.if_(free.differs(e.const(PTR, 0)), take)
    return free


def give_free(e: Emitter, group: Value, team: Value) -> None:
    """Put a team back."""
    put(e, get(e, group, Group, "free"), team, Team, "next")
    put(e, team, group, Group, "free")


def define_group(e: Emitter) -> None:
    """``wengert_take(group)`` and ``wengert_give(group, team)``, for Python; it holds the interpreter's lock."""
    with e.function("wengert_take", ["ptr"], PTR) as (group,):
        e.ret(take_free(e, group))
    with e.function("wengert_give", ["ptr", "ptr"]) as (group, team):
        give_free(e, group, team)


def define_gate(e: Emitter) -> None:
    """``wengert_enter(gate)`` waits until the gate is free and takes it; ``wengert_leave(gate)`` gives it back.

    Unlike a mutex it may be given back by another thread: a callback that runs Python code does.
    """
    for name in ("enter", "leave"):
        with e.function(f"wengert_{name}", ["ptr"]) as (gate,):
            mutex, opened = at(e, gate, Gate, "mutex"), at(e, gate, Gate, "opened")
            e.call("wengert_lock", I32, mutex)
            if name == "enter":
                e.while_(lambda g=gate: get(e, g, Gate, "busy").differs(0), lambda o=opened, m=mutex: _wait(e, o, m))
            put(e, int(name == "enter"), gate, Gate, "busy")
            if name == "leave":
                e.call("wengert_wake", I32, opened)
            e.call("wengert_unlock", I32, mutex)


def define_spin(e: Emitter) -> None:
    """``wengert_spin(i64 n)``: look n times at nothing, to learn how long a look takes."""
    with e.function("wengert_spin", ["i64"]) as (n,):
        e.loop(n, lambda _k: atomic.pause(e))
