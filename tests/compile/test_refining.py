"""Hasty code gets better while it runs."""

from __future__ import annotations

import gc
import os
import subprocess
import sys
import textwrap
import time
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from wengert import control, grad, jit
from wengert.compile import refining
from wengert.compile.compiler import Compiled, compile_program
from wengert.compile.parts import TURNS
from wengert.core.types import aval_of
from wengert.transforms.programs import staged


@pytest.fixture(autouse=True)
def made_anew(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("WENGERT_CACHE", "0")


def chain(w: Any, x: Any) -> Any:
    for k in range(4):
        x = np.tanh(x @ w[k])
    return np.sum(x * x)


ARGS = (np.random.default_rng(0).normal(size=(4, 16, 16)) / 4, np.ones((8, 16)))


def compiled(f: Any, *args: Any) -> Compiled:
    program = staged(lambda *xs: [f(*xs)], tuple(map(aval_of, args)), "f")
    found = compile_program(program, threads=1, hasty=True)
    assert isinstance(found, Compiled)
    return found


def address(made: Compiled) -> int:
    return made.call.__self__.core  # type: ignore[attr-defined]


def test_a_function_goes_on_with_other_code_that_gives_the_same_numbers() -> None:
    with refining.compiling():  # the worker waits
        made = compiled(grad(chain), *ARGS)
        before, hasty = address(made), made(*ARGS)
    refining.settled()
    assert address(made) != before
    for a, b in zip(made(*ARGS), hasty, strict=True):
        np.testing.assert_array_equal(a, b)


def test_calls_go_on_meanwhile() -> None:
    f = jit(grad(chain))
    wanted = f(*ARGS)
    while refining._worker is not None:  # pyright: ignore[reportPrivateUsage]
        np.testing.assert_array_equal(f(*ARGS), wanted)
    np.testing.assert_array_equal(f(*ARGS), wanted)


def test_nothing_is_made_for_functions_that_are_gone(monkeypatch: pytest.MonkeyPatch) -> None:
    asked: list[str] = []
    part = refining.Part
    monkeypatch.setattr(refining, "Part", lambda text, target: asked.append(text) or part(text, target))
    with refining.compiling():
        kept, gone = compiled(chain, *ARGS), compiled(lambda w, x: chain(w, x) + 1, *ARGS)
        del gone
        gc.collect()
    refining.settled()
    assert len(asked) == 1
    assert np.isfinite(kept(*ARGS)[0])


def test_who_comes_when_many_wait_gets_good_code_at_once() -> None:
    with refining.compiling():
        made = [compiled(lambda w, x, k=k: chain(w, x) + k, *ARGS) for k in range(refining.MOST + 4)]
        assert refining.overloaded()
        before = list(map(address, made))
    refining.settled()
    changed = [a != b for a, b in zip(before, map(address, made), strict=True)]
    assert all(changed[: refining.MOST])
    assert not any(changed[refining.MOST + 1 :])
    assert not refining.overloaded()


def test_code_that_cannot_be_made_is_done_without(monkeypatch: pytest.MonkeyPatch) -> None:
    def refused(*_: Any) -> Any:
        raise MemoryError

    monkeypatch.setattr(refining, "Part", refused)
    made = compiled(chain, *ARGS)
    before = address(made)
    refining.settled()
    assert address(made) == before
    assert np.isfinite(made(*ARGS)[0])


def test_only_what_was_made_in_haste_is_made_anew(monkeypatch: pytest.MonkeyPatch) -> None:
    """A product that goes round a million times in a call is good from the start."""
    asked: list[str] = []
    part = refining.Part
    monkeypatch.setattr(refining, "Part", lambda text, target: asked.append(text) or part(text, target))

    def f(w: Any, x: Any) -> Any:
        return control.scan(lambda x, _: (np.tanh(x @ w), None), x, None, length=400)[0]

    args = np.random.default_rng(0).normal(size=(64, 64)) / 8, np.ones((48, 64))
    with refining.compiling():
        made = compiled(f, *args)
        wanted = made(*args)
    refining.settled()
    assert made.core is not None
    functions = made.core.emitter.functions
    again = [f.turns for f in functions if any(f"define {f.definition}" in text for text in asked)]
    assert again
    assert max(again) < TURNS < max(f.turns for f in functions)
    np.testing.assert_array_equal(made(*args)[0], wanted[0])


def test_a_job_waits_for_the_call_that_comes_first() -> None:
    order: list[str] = []
    start = time.monotonic()

    def job(name: str) -> Any:
        return lambda code: order.append(name)

    with refining.compiling():
        refining.later(list, job("long"), 0.4)
        refining.later(list, job("short"), 0.1)
    while refining._worker is not None:  # pyright: ignore[reportPrivateUsage]
        time.sleep(0.01)
    assert order == ["short", "long"]
    assert time.monotonic() - start >= 0.4


def test_an_estimate_without_end_does_not_keep_the_better_code_away() -> None:
    done: list[Any] = []
    refining.later(list, done.append, float("inf"))
    while refining._worker is not None:  # pyright: ignore[reportPrivateUsage]
        time.sleep(0.01)
    assert done == [None]


def run(text: str, folder: Path) -> str:
    env = {**os.environ, "WENGERT_CACHE": "1", "WENGERT_CACHE_DIR": str(folder)}
    done = subprocess.run(
        [sys.executable, "-c", textwrap.dedent(text)], env=env, capture_output=True, text=True, timeout=120, check=False
    )
    assert done.returncode == 0, done.stderr
    assert not done.stderr
    return done.stdout


def test_a_process_that_ends_at_once_leaves_its_code(tmp_path: Path) -> None:
    text = """
        import numpy as np
        from wengert import jit
        print(jit(lambda x: np.sum(np.tanh(x) * np.exp(-x * x)))(np.linspace(0, 1, 100)))
    """
    first = run(text, tmp_path)
    kept = [path for path in tmp_path.rglob("*.wengert") if not path.name.startswith("runtime")]
    assert len(kept) == 1
    assert run(text, tmp_path) == first


@pytest.mark.skipif(not hasattr(os, "fork"), reason="there are no forks here")
def test_a_fork_in_the_midst(tmp_path: Path) -> None:
    """The child has its hasty code, and compiles by itself."""
    text = """
        import os, warnings
        import numpy as np
        from wengert import jit
        from wengert.compile import refining
        warnings.simplefilter("ignore")
        f = jit(lambda x: np.sum(np.tanh(x) * np.exp(-x * x)))
        x = np.linspace(0, 1, 100)
        wanted = f(x)
        for _ in range(8):
            child = os.fork()
            if not child:
                assert f(x) == wanted
                g = jit(lambda x: np.cumsum(np.sin(x))[-1])
                assert np.isclose(g(x), np.sum(np.sin(x)))
                refining.settled()
                assert f(x) == wanted
                os._exit(0)
            assert os.waitpid(child, 0)[1] == 0
        refining.settled()
        assert f(x) == wanted
        print("done")
    """
    assert run(text, tmp_path).split() == ["done"]


def test_a_thread_that_cannot_be_started_is_done_without(monkeypatch: pytest.MonkeyPatch) -> None:
    def refused(_: Any) -> None:
        raise RuntimeError("can't start new thread")

    monkeypatch.setattr(refining.threading.Thread, "start", refused)
    with pytest.MonkeyPatch.context() as one:
        one.setattr("wengert.compile.parts.Parts.__call__", lambda *_: None)  # whose helpers are threads as well
        made = compiled(chain, *ARGS)
    assert np.isfinite(made(*ARGS)[0])
    refining.settled()
    monkeypatch.undo()
    again = compiled(lambda w, x: chain(w, x) - 1, *ARGS)
    before = address(again)
    refining.settled()
    assert address(again) != before


def test_threads_that_compile_at_once(tmp_path: Path) -> None:
    text = """
        import sys, threading
        import numpy as np
        from wengert import jit
        sys.setswitchinterval(1e-4)
        x, barrier, found = np.linspace(0, 1, 64), threading.Barrier(6), []
        def work(k):
            f = jit(lambda x: np.sum(np.tanh(x * k)))
            barrier.wait()
            found.append(np.isclose(f(x), np.sum(np.tanh(x * k))))
        workers = [threading.Thread(target=work, args=(k,)) for k in range(6)]
        [w.start() for w in workers]
        [w.join() for w in workers]
        print(len(found), all(found))
    """
    for turn in range(3):
        assert run(text, tmp_path / str(turn)).split() == ["6", "True"]
