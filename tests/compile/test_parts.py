"""Machine code in parts, made by several threads at once."""

import ctypes
import threading

import numpy as np
import pytest

import wengert
from wengert import control
from wengert.compile import engine, refining
from wengert.compile.core import emit_core
from wengert.compile.emit import I64, Emitter
from wengert.compile.engine import link
from wengert.compile.parts import TURNS, Parts
from wengert.errors import CompileError
from wengert.rewrite import rewrite


def chain(e: Emitter, count: int) -> None:
    """Functions f0 … that add one and call the one before, and f, which calls the last."""
    for k in range(count):
        with e.function(f"f{k}", [I64], I64, export=False) as (x,):
            e.ret((e.call(f"f{k - 1}", I64, x) if k else x) + 1)
    with e.function("f", [I64], I64) as (x,):
        e.ret(e.call(f"f{count - 1}", I64, x))


def made(count: int, threads: int) -> tuple[list[bytes], Emitter]:
    e = Emitter()
    with Parts(threads) as found:
        e.written = found
        chain(e, count)
        return found.finish(e), e


@pytest.mark.parametrize("count", [1, 30, 300, 500])
@pytest.mark.parametrize("threads", [1, 2, 4])
def test_functions_of_one_part_call_those_of_another(count, threads):
    codes, e = made(count, threads)
    assert (len(codes) == 1) == (threads == 1 or count <= 30)
    unit = link(codes, e.exports)
    assert unit.function("f", ctypes.c_int64, ctypes.c_int64)(5) == 5 + count


def test_long_modules_have_several_parts_and_always_the_same():
    first, second = made(500, 2)[0], made(500, 4)[0]
    assert len(first) > 2 and first == second


def test_where_llvmlite_keeps_its_generator_to_itself(monkeypatch):
    expected = made(300, 2)[0]
    monkeypatch.setattr(engine, "_generator", lambda: None)
    assert made(300, 2)[0] == expected


def test_what_goes_round_often_is_made_well_and_the_rest_in_haste():
    e = Emitter()
    with Parts(2, hasty=True) as found:
        e.written = found
        chain(e, 20)
        e.turns = 10 * TURNS
        with e.function("g", [I64], I64) as (x,):
            e.ret(e.call("f", I64, x) + 1)
        codes = found.finish(e)
        levels = found.levels
    assert levels == [1, 0]
    assert ["define i64 @g(" in text for text in found.texts] == [True, False]
    assert link(codes, e.exports).function("g", ctypes.c_int64, ctypes.c_int64)(5) == 26


def test_without_haste_all_is_made_well():
    e = Emitter()
    with Parts(2) as found:
        e.written = found
        chain(e, 300)
        found.finish(e)
        assert set(found.levels) == {1}


def test_how_often_the_loops_of_a_kernel_go_round():
    """A product of 48, 64 and 32 in 400 rounds, in tiles of 24 vectors; then tanh of what it gives."""

    def f(w, x):
        return control.scan(lambda x, _: (np.tanh(x @ w) @ w.T, None), x, None, length=400)[0]

    args = np.zeros((64, 32)), np.zeros((48, 64))
    e = emit_core(rewrite(wengert.make_program(f)(*args))).emitter
    lanes = e.target.lanes(8)
    turns = {round(f.turns) for f in e.functions}
    assert {0, round(400 * 48 * 64 * 32 / lanes / 24)} <= turns


def test_an_error_in_a_part_is_raised_once(monkeypatch):
    def refuse(part):
        raise CompileError("no")

    monkeypatch.setattr(engine.Part, "object_code", refuse)
    with pytest.raises(CompileError, match="no"):
        made(300, 3)


def test_many_threads_compile_at_once():
    results = {}

    def work(k):
        codes, e = made(200 + k, 3)
        results[k] = link(codes, e.exports).function("f", ctypes.c_int64, ctypes.c_int64)(0)

    threads = [threading.Thread(target=work, args=(k,)) for k in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert results == {k: 200 + k for k in range(8)}


def test_a_program_of_several_parts_is_what_numpy_computes(rng):
    weights = [rng.normal(size=(20 + k, 21 + k)) / 5 for k in range(8)]

    def f(x):
        for w in weights:
            x = np.tanh(x @ w)
        return np.sum(x**2)

    x = rng.normal(size=(7, 20))
    g = wengert.grad(f)(x)
    np.testing.assert_allclose(wengert.jit(wengert.grad(f))(x), g, rtol=1e-10, atol=1e-12)


def break_off(found):
    with found:
        e = Emitter()
        e.written = found
        chain(e, 400)
        raise ZeroDivisionError


def test_what_is_broken_off_leaves_nothing_behind():
    refining.settled()  # whose thread may be at work for an earlier test
    before = threading.active_count()
    for _ in range(5):
        found = Parts(3)
        with pytest.raises(ZeroDivisionError):
            break_off(found)
        assert found.parts == []
    assert threading.active_count() == before


def test_no_two_parts_have_the_same_machine_at_a_time():
    """A machine that lies idle belongs to whoever takes it, also where several threads take at once."""
    target = Emitter().target
    text = "define void @nothing() {\n  ret void\n}\n"
    for _ in range(3):
        start, found = threading.Barrier(6), []

        def make(start=start, found=found):
            start.wait()
            found.extend(engine.Part(text, target) for _ in range(4))

        threads = [threading.Thread(target=make) for _ in range(6)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        assert len({id(part.machine) for part in found}) == 24
        for part in found:
            assert part.object_code()
            part.close()
