"""What is kept on the disk: it runs in another process, and nothing that happens to the files harms."""

import contextlib
import os
import time
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest
from tests.compile._processes import python, start

import wengert
from wengert import grad, jit, make_program
from wengert.compile import cache, compiler, kept
from wengert.compile.cache import SUFFIX, Store, directory
from wengert.compile.compiler import compile_program
from wengert.compile.keys import constants_of, program_key
from wengert.core.program import Program

# Prints what was emitted in this process, and results that the caller compares.
PROGRAM = """
import sys
import numpy as np
import wengert
from wengert import control, grad, jit

def loss(w, x):
    return np.sum(np.tanh(x @ w) ** 2) + np.sum(np.linalg.inv(w)) + np.abs(np.fft.fft(w[0]))[1]

def loop(x):
    return control.scan(lambda c, row: (c + np.sin(row), np.sum(c)), np.zeros(3), x)

w = np.arange(9.0).reshape(3, 3) + 3 * np.eye(3)
x = np.linspace(0, 1, 12).reshape(4, 3)
print(jit(grad(loss))(w, x).tolist(), [y.tolist() for y in jit(loop)(x)])
print("made" if "wengert.compile.making" in sys.modules else "found")
"""


@pytest.fixture
def here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A cache of this test's own."""
    monkeypatch.delenv("WENGERT_CACHE")
    monkeypatch.setenv("WENGERT_CACHE_DIR", str(tmp_path / "cache"))
    return tmp_path / "cache"


@pytest.fixture
def emitted(monkeypatch: pytest.MonkeyPatch) -> list[Any]:
    """What was emitted in the test."""
    found: list[Any] = []
    tools = compiler.tools()

    def emit(*args: Any, **kwargs: Any) -> Any:
        found.append(args)
        return tools.emit_core(*args, **kwargs)

    wrapped = SimpleNamespace(prepared=tools.prepared, estimate=tools.estimate, Parts=tools.Parts, emit_core=emit)
    monkeypatch.setattr(compiler, "tools", lambda: wrapped)
    return found


def entries(where: Path) -> list[Path]:
    """Kept Programs."""
    return [p for p in where.glob(f"*{SUFFIX}") if not p.name.startswith("runtime")]


def program(f: Any, *args: Any) -> Program:
    """A new Program each time, as another process would stage it."""
    return make_program(f)(*args)


def f(x: Any) -> Any:
    return np.sin(x) * np.arange(3.0) + np.array([2.0, 0.5, 1.0])


X = np.array([0.1, 0.2, 0.3])

# ---- other processes


def test_another_process_finds_what_was_made(here: Path):
    first, second = (python(PROGRAM).splitlines() for _ in range(2))
    assert len(entries(here)) == 2
    assert first[0] == second[0], "to the bit"
    # one of the two functions falls back, and is rewritten to find these equations
    assert (first[1], second[1]) == ("made", "made")


def test_what_needs_no_python_needs_no_compiler(here: Path):
    text = PROGRAM.replace(" + np.sum(np.linalg.inv(w)) + np.abs(np.fft.fft(w[0]))[1]", "")
    first, second = (python(text).splitlines() for _ in range(2))
    assert (first[1], second[1]) == ("made", "found")
    assert first[0] == second[0]


def test_processes_that_write_at_once(here: Path):
    waits = [start(PROGRAM)[1] for _ in range(2)]
    done = [wait() for wait in waits]
    assert [d.returncode for d in done] == [0, 0], [d.stderr for d in done]
    assert len({d.stdout.splitlines()[0] for d in done}) == 1
    assert len(entries(here)) == 2
    assert not list(here.glob("*.tmp"))


# ---- in one process


def test_kept_code_gives_the_same(here: Path, emitted: list[Any]):
    want = f(X)
    for _ in range(3):
        (got,) = compile_program(program(f, X), threads=1)(X)
        np.testing.assert_allclose(got, want, rtol=1e-15)
    assert len(emitted) == 1
    assert len(entries(here)) == 1


def test_calls_of_numpy_and_libraries_are_found_again(here: Path, emitted: list[Any]):
    def g(x: Any) -> Any:
        return np.linalg.solve(x, np.ones(4)) + np.abs(np.fft.fft(x[0])) + np.log1p(x[1])

    x = np.arange(16.0).reshape(4, 4) + 5 * np.eye(4)
    first, second = (compile_program(program(g, x), threads=1)(x)[0] for _ in range(2))
    np.testing.assert_array_equal(first, second)
    np.testing.assert_allclose(second, g(x), rtol=1e-12)
    assert len(emitted) == 1


def test_large_products_call_this_process_blas(here: Path, emitted: list[Any]):
    x = np.ones((1500, 1500))
    for _ in range(2):
        made = compile_program(program(lambda x: x @ x, x), threads=1)
        assert made.uses_blas  # pyright: ignore[reportAttributeAccessIssue]
        np.testing.assert_array_equal(made(x)[0], np.full((1500, 1500), 1500.0))
    assert len(emitted) == 1


def test_donated_arguments_stay_donated(here: Path, emitted: list[Any]):
    for _ in range(2):
        x = np.ones(1000)
        address = x.ctypes.data
        out = compile_program(program(lambda x: x * 2, x), (True,), threads=1)(x)[0]
        assert out.ctypes.data == address
    assert len(emitted) == 1


def test_code_for_a_team_is_kept_by_itself(here: Path, emitted: list[Any]):
    x = np.linspace(0, 1, 4096).reshape(64, 64)
    for threads in (1, 2, 1, 2):
        np.testing.assert_allclose(compile_program(program(np.exp, x), threads=threads)(x)[0], np.exp(x), rtol=1e-15)
    assert len(emitted) == 2


def test_errors_of_kept_code_are_raised(here: Path):
    def g(x: Any, k: Any) -> Any:
        return x[k]

    for _ in range(2):
        made = compile_program(program(g, X, np.array([0, 1])), threads=1)
        with pytest.raises(IndexError):
            made(X, np.array([0, 7]))


# ---- keys


def test_the_same_function_has_the_same_key():
    assert program_key(program(f, X)) == program_key(program(f, X + 1))


@pytest.mark.parametrize(
    "other",
    [
        lambda x: np.sin(x) * np.arange(3.0) + np.array([2.0, 0.5, 1.5]),
        lambda x: np.cos(x) * np.arange(3.0) + np.array([2.0, 0.5, 1.0]),
        lambda x: np.sin(x) * np.arange(3.0) - np.array([2.0, 0.5, 1.0]),
        lambda x: np.sin(x) * np.arange(3.0) + np.array([2.0, 0.5, 1.0], np.float32),
    ],
)
def test_what_differs_has_another_key(other: Any):
    assert program_key(program(other, X)) != program_key(program(f, X))


def test_numbers_are_told_apart_by_their_bits():
    keys = {program_key(program(lambda x, n=n: x + n, X)) for n in (0.0, -0.0, 0, False, np.float64(0), np.float32(0))}
    assert len(keys) == 6
    assert program_key(program(lambda x: x + np.nan, X)) == program_key(program(lambda x: x + np.nan, X))


def test_types_options_and_parameters_decide():
    keys = {
        program_key(program(f, X)), program_key(program(f, X.astype(np.float32))), program_key(program(f, X), "more"),
        *(program_key(program(lambda x, a=a: np.sum(x, axis=a), np.ones((2, 2)))) for a in (0, 1)),
        *(program_key(program(lambda x, s=s: x[s], X)) for s in (slice(1), slice(2), slice(0, 2))),
    }  # fmt: skip
    assert len(keys) == 8
    assert None not in keys


def test_operations_of_the_users_have_no_key():
    @wengert.custom_jvp
    def mine(x: Any) -> Any:
        return x * 2

    mine.defjvp(lambda primals, tangents: (mine(*primals), tangents[0] * 2))
    assert program_key(program(mine, X)) is None
    record = wengert.extend.elementwise("mine_own", lambda x: x + 1, (lambda t, _z, _x: t,), "{0}")
    try:
        assert program_key(program(record, X)) is None
        np.testing.assert_array_equal(jit(record)(X), X + 1)
    finally:
        wengert.extend.remove(record)


def test_constants_are_found_in_programs_inside():
    def g(x: Any) -> Any:
        return wengert.control.scan(lambda c, y: (c + y * np.array([1.0, 2.0]), c), np.zeros(2), x)

    found = constants_of(program(g, np.ones((3, 2))))
    assert any(np.array_equal(x, [1.0, 2.0]) for x in found)


# ---- what can happen to files


@pytest.mark.parametrize(
    "damage", [lambda b: b[:-1], lambda b: b[:20], lambda _: b"", lambda b: b[:-9] + bytes([b[-9] ^ 1]) + b[-8:]]
)
def test_damaged_entries_are_ignored_and_replaced(here: Path, emitted: list[Any], damage: Any):
    compile_program(program(f, X), threads=1)
    (path,) = entries(here)
    whole = path.read_bytes()
    path.write_bytes(damage(whole))
    np.testing.assert_allclose(compile_program(program(f, X), threads=1)(X)[0], f(X), rtol=1e-15)
    assert len(emitted) == 2
    assert path.read_bytes()[:16] == whole[:16]


def test_entries_of_another_library_are_not_used(here: Path, emitted: list[Any], monkeypatch: pytest.MonkeyPatch):
    x = np.ones((1500, 1500))
    compile_program(program(lambda x: x @ x, x), threads=1)
    monkeypatch.setattr(kept.names, "signature", lambda _name: "i128")
    compile_program(program(lambda x: x @ x, x), threads=1)
    assert len(emitted) == 2


@pytest.mark.skipif(os.name == "nt" or os.geteuid() == 0, reason="this user may write everywhere")
def test_a_directory_that_cannot_be_written_to(here: Path):
    here.mkdir()
    here.chmod(0o500)
    np.testing.assert_allclose(compile_program(program(f, X), threads=1)(X)[0], f(X), rtol=1e-15)
    assert not entries(here)


def test_a_directory_that_cannot_be(here: Path):
    here.write_text("a file stands in its place")
    np.testing.assert_allclose(compile_program(program(f, X), threads=1)(X)[0], f(X), rtol=1e-15)
    assert here.read_text() == "a file stands in its place"


def test_a_full_disk(here: Path, monkeypatch: pytest.MonkeyPatch):
    def full(self: Path, content: bytes) -> int:
        with self.open("wb") as file:
            file.write(content[:10])
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(Path, "write_bytes", full)
    np.testing.assert_allclose(compile_program(program(f, X), threads=1)(X)[0], f(X), rtol=1e-15)
    assert list(here.iterdir()) == []


@pytest.mark.parametrize("off", ["0", "off", "False"])
def test_switched_off(here: Path, emitted: list[Any], monkeypatch: pytest.MonkeyPatch, off: str):
    monkeypatch.setenv("WENGERT_CACHE", off)
    for _ in range(2):
        compile_program(program(f, X), threads=1)
    assert len(emitted) == 2
    assert not here.exists()


def test_where_it_is(monkeypatch: pytest.MonkeyPatch, tmp_path: Path):
    monkeypatch.delenv("WENGERT_CACHE")
    monkeypatch.setenv("WENGERT_CACHE_DIR", str(tmp_path))
    assert directory() == tmp_path
    monkeypatch.delenv("WENGERT_CACHE_DIR")
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "xdg"))
    assert directory() == tmp_path / "xdg" / "wengert"
    monkeypatch.delenv("XDG_CACHE_HOME")
    monkeypatch.setattr(Path, "home", lambda: tmp_path)
    for platform, place in (("darwin", "Library/Caches"), ("linux", ".cache"), ("win32", "AppData/Local")):
        monkeypatch.setattr(cache.sys, "platform", platform)
        monkeypatch.delenv("LOCALAPPDATA", raising=False)
        assert directory() == tmp_path / place / "wengert"


def test_the_least_used_go_first(tmp_path: Path):
    store = Store(tmp_path, most=5000, left=3000)
    for k in range(4):
        store.write(f"entry{k}", bytes(1000))
        os.utime(store.path(f"entry{k}"), (time.time() - 1e6 + k,) * 2)
    assert store.read("entry0") == bytes(1000), "which marks it as used"
    store.write("entry4", bytes(1000))
    store.write("entry5", bytes(1000))
    assert [store.read(f"entry{k}") is not None for k in range(6)] == [True, False, False, False, True, True]


def test_unfinished_files_are_cleared_away(tmp_path: Path):
    store = Store(tmp_path)
    old, new = tmp_path / ".a.0.tmp", tmp_path / ".b.0.tmp"
    for path in (old, new):
        path.write_bytes(b"")
    os.utime(old, (0, 0))
    store.write("entry", b"content")
    assert [p.exists() for p in (old, new)] == [False, True]


def test_a_reader_never_sees_a_part(tmp_path: Path):
    store = Store(tmp_path)
    for n in (10, 100_000, 10):
        store.write("key", bytes(n))
        assert store.read("key") == bytes(n)
    store.remove("key")
    with contextlib.suppress(OSError):
        store.remove("key")
    assert store.read("key") is None


def test_gradients_from_the_disk(here: Path, emitted: list[Any]):
    def g(x: Any) -> Any:
        return np.sum(np.sin(x) ** 2)

    for _ in range(2):
        np.testing.assert_allclose(jit(grad(g))(X), np.sin(2 * X), rtol=1e-14)
    assert len(emitted) == 1
