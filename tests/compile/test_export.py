"""export: files that C programs and NumPy run without this library."""

import re
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from tests.compile._processes import run

from wengert import control, export, grad, value_and_grad
from wengert.compile.exporting import Exported
from wengert.errors import CompileError

CC = next(filter(shutil.which, ("cc", "gcc", "clang")), None)
compiler = pytest.mark.skipif(CC is None or sys.platform == "win32", reason="there is no C compiler")


def rosenbrock(x: Any) -> Any:
    return np.sum(100 * (x[1:] - x[:-1] ** 2) ** 2 + (1 - x[:-1]) ** 2)


X = np.linspace(-1, 1, 10)
RNG = np.random.default_rng(3)
W1, B1, W2 = (RNG.normal(size=s).astype(np.float32) for s in ((12, 64), (64,), (64, 2)))
SAMPLES = RNG.normal(size=(5, 12)).astype(np.float32)


def predict(x: Any) -> Any:
    z = np.tanh(x @ W1 + B1) @ W2
    e = np.exp(z - np.max(z, axis=1, keepdims=True))
    return e / np.sum(e, axis=1, keepdims=True)


def called(made: Exported, *args: Any, **kwargs: Any) -> Any:
    """What the loader gives in a process that cannot import this library, or llvmlite."""
    where = made.loader.parent
    names = {f"a{k}": x for k, x in enumerate(args)}
    np.savez(where / "arguments.npz", **names)
    given = ", ".join([*(f"data['{k}']" for k in names), *(f"{k}={v!r}" for k, v in kwargs.items())])
    program = f"""
import sys
sys.modules["wengert"] = sys.modules["llvmlite"] = sys.modules["scipy"] = None
sys.path.insert(0, {str(where)!r})
import numpy as np
from {made.name} import {made.name}
data = np.load({str(where / "arguments.npz")!r})
out = {made.name}({given})
out = out if isinstance(out, tuple) else (out,)
np.savez({str(where / "results.npz")!r}, *out)
"""
    done = run(program)
    assert done.returncode == 0, done.stderr
    with np.load(where / "results.npz") as found:
        return [found[k] for k in found.files]


# ---- C


def run_c(made: Exported, main: str) -> list[float]:
    """What a C program prints that is linked with the object file."""
    where = made.object.parent
    source, program = where / "main.c", where / "main"
    source.write_text(f'#include <stdio.h>\n#include <stdlib.h>\n#include "{made.header.name}"\n{main}')
    warnings = ["-Wall", "-Wextra", "-Werror", "-std=c99"]
    subprocess.run([CC, *warnings, str(source), str(made.object), "-lm", "-o", str(program)], check=True)
    done = subprocess.run([program], capture_output=True, text=True, check=True)
    return [float(x) for x in done.stdout.split()]


@compiler
def test_a_gradient_in_c(tmp_path: Path):
    made = export(grad(rosenbrock))(X, path=tmp_path / "gradient")
    found = run_c(made, """
int main(void) {
    double x[10], g[10];
    void *workspace = malloc(gradient_workspace_bytes());
    for (int i = 0; i < 10; i++) x[i] = -1.0 + 2.0 * i / 9.0;
    if (gradient(x, g, workspace)) return 1;
    for (int i = 0; i < 10; i++) printf("%.17g\\n", g[i]);
    free(workspace);
    return 0;
}
""")  # fmt: skip
    d = np.zeros(10)
    d[:-1] += -400 * X[:-1] * (X[1:] - X[:-1] ** 2) - 2 * (1 - X[:-1])
    d[1:] += 200 * (X[1:] - X[:-1] ** 2)
    np.testing.assert_allclose(found, d, rtol=1e-12, atol=1e-12)


@compiler
def test_a_network_in_c(tmp_path: Path):
    made = export(predict)(SAMPLES, path=tmp_path / "predict")
    numbers = ", ".join(f"{x!r}f" for x in SAMPLES.ravel().tolist())
    found = run_c(made, f"""
int main(void) {{
    const float x[60] = {{{numbers}}};
    float y[10];
    void *workspace = malloc(predict_workspace_bytes());
    int32_t code = predict(x, y, workspace);
    for (int i = 0; i < 10; i++) printf("%.9g\\n", y[i]);
    free(workspace);
    return code;
}}
""")  # fmt: skip
    # single precision: sums of 64 terms
    np.testing.assert_allclose(found, predict(SAMPLES.astype(np.float64)).ravel(), rtol=2e-5)


@compiler
def test_errors_are_codes(tmp_path: Path):
    made = export(lambda x, k: x[k])(X, np.array([0, 1]), path=tmp_path / "pick")
    main = """
int main(void) {
    double x[10] = {0}, y[2];
    int64_t good[2] = {0, 9}, bad[2] = {0, 10};
    void *workspace = malloc(pick_workspace_bytes());
    printf("%d %d", pick(x, good, y, workspace), pick(x, bad, y, workspace));
    return 0;
}
"""
    assert run_c(made, main) == [0, 1]


# ---- the header


def test_the_header_says_types_and_shapes(tmp_path: Path):
    def f(model: Any, x: Any, rate: float) -> Any:
        return {"new": [model["w"] * rate, x > 0], "n": np.sum(x)}

    header = export(f)({"w": np.ones((2, 3), np.float32)}, np.arange(4), 0.5, path=tmp_path / "step").header.read_text()
    prototype = next(line for line in header.splitlines() if line.startswith("int32_t step("))
    assert prototype == (
        "int32_t step(const float *model_w, const int64_t *x, const double *rate, float *result_new_0, "
        "bool *result_new_1, int64_t *result_n, void *workspace);"
    )
    assert "model_w: [2][3], in Python model['w']" in header
    assert "rate: one number" in header
    assert "calls no mathematical function" in header


def test_names_are_good_for_c(tmp_path: Path):
    def f(double: Any, workspace: Any) -> Any:
        return double + workspace

    made = export(f)(1.0, 2.0, path=tmp_path / "2 be-or")
    assert made.name == "_2_be_or"
    assert (
        "(const double *double_, const double *workspace_, double *result, void *workspace)" in made.header.read_text()
    )


# ---- the object


@compiler
def test_nothing_but_the_c_library_is_needed(tmp_path: Path):
    x = np.ones((1200, 1200))  # a product that would go to BLAS
    made = export(lambda x: np.sum(x @ x + np.sin(1e9 * x)))(x, path=tmp_path / "big")
    listed = shutil.which("nm")
    if listed is None:
        pytest.skip("nm is not installed")
    text = subprocess.run([listed, "-u", str(made.object)], capture_output=True, text=True, check=True).stdout
    wanted = {name.lstrip("_") for name in re.findall(r"(\w+)$", text, re.MULTILINE)}
    assert wanted <= {"GLOBAL_OFFSET_TABLE_", "sin", "memcpy", "memset", "memmove", "U"}, wanted
    np.testing.assert_allclose(called(made, x), [np.sum(x @ x + np.sin(1e9 * x))], rtol=1e-12)


def test_fallbacks_are_refused_with_their_lines(tmp_path: Path):
    def f(x: Any) -> Any:
        y = np.fft.fft(x)
        return np.abs(y) + x

    with pytest.raises(CompileError, match="cannot be exported") as found:
        export(f)(X, path=tmp_path / "f")
    assert "y = np.fft.fft(x)" in str(found.value)
    assert "return np.abs(y) + x" in str(found.value)
    assert list(tmp_path.iterdir()) == []


def test_donation_and_other_processors_are_refused(tmp_path: Path):
    with pytest.raises(CompileError, match="nothing is donated"):
        export(lambda x: x + 1, donate="x")(X, path=tmp_path / "f")
    with pytest.raises(CompileError, match=r"write: one of host, "):
        export(lambda x: x + 1)(X, path=tmp_path / "f", cpu="z80")


# ---- the loader


@compiler
def test_a_network_without_this_library(tmp_path: Path):
    made = export(predict)(SAMPLES, path=tmp_path / "predict")
    (found,) = called(made, SAMPLES)
    assert found.dtype == np.float32
    np.testing.assert_allclose(found, predict(SAMPLES.astype(np.float64)), rtol=2e-5)


@compiler
@pytest.mark.parametrize("cpu", ["host", "x86-64", "x86-64-v2", "x86-64-v3"])
def test_older_processors_give_the_same(tmp_path: Path, cpu: str):
    features = Path("/proc/cpuinfo").read_text() if Path("/proc/cpuinfo").exists() else ""
    if cpu != "host" and "avx2" not in features:
        pytest.skip("this processor may be of another kind")

    def f(x: Any) -> Any:
        return value_and_grad(lambda x: np.sum(np.tanh(x @ x) * np.exp(-x)) + np.max(x))(x)

    x = RNG.normal(size=(7, 7))
    found = called(export(f)(x, path=tmp_path / "f", cpu=cpu), x)
    np.testing.assert_allclose(found[0], f(x)[0], rtol=1e-13)
    np.testing.assert_allclose(found[1], f(x)[1], rtol=1e-12, atol=1e-13)


@compiler
def test_loops_and_numbers(tmp_path: Path):
    def f(x: Any, n: int, rate: float) -> Any:
        return control.fori_loop(0, 3, lambda _i, c: c - rate * np.sin(c), x), n + 1

    found = called(export(f)(X, 3, 0.5, path=tmp_path / "f"), X, 3, 0.5)
    want = X
    for _ in range(3):
        want = want - 0.5 * np.sin(want)
    np.testing.assert_allclose(found[0], want, rtol=1e-14)
    assert found[1] == 4


@compiler
def test_arrays_that_lie_otherwise_are_copied_and_other_types_refused(tmp_path: Path):
    made = export(lambda x: x * 2)(np.ones((3, 4)), path=tmp_path / "twice")
    x = np.asfortranarray(RNG.normal(size=(3, 4)))
    np.testing.assert_array_equal(called(made, x)[0], 2 * x)
    program = f"""
import sys
sys.path.insert(0, {str(tmp_path)!r})
import numpy as np
from twice import twice
for x in (np.ones((3, 4), np.float32), np.ones((4, 3)), 1.0):
    try:
        twice(x)
    except (TypeError, ValueError) as error:
        print(type(error).__name__, error)
try:
    twice()
except TypeError as error:
    print(error)
"""
    lines = run(program).stdout.splitlines()
    assert lines == [
        "TypeError x is of dtype float32, where float64 is expected; write: np.asarray(x, 'f8')",
        "ValueError x has shape (4, 3), where (3, 4) is expected",
        "ValueError x has shape (), where (3, 4) is expected",
        "twice takes 1 arguments and the keywords []",
    ]


@compiler
def test_trees_go_in_and_come_out(tmp_path: Path):
    def f(params: Any, x: Any) -> Any:
        return {"out": [x @ params["w"] + params["b"]], "n": np.sum(x)}

    params = {"w": np.ones((3, 2)), "b": np.arange(2.0)}
    export(f)(params, np.ones(3), path=tmp_path / "layer")
    program = f"""
import sys
sys.path.insert(0, {str(tmp_path)!r})
import numpy as np
from layer import layer
params = {{"b": np.arange(2.0), "w": np.ones((3, 2))}}
out = layer(params, np.ones(3))
print(out["out"][0].tolist(), out["n"])
try:
    layer({{"w": params["w"], "c": params["b"]}}, np.ones(3))
except TypeError as error:
    print(error)
"""
    lines = run(program).stdout.splitlines()
    assert lines[0] == "[3.0, 4.0] 3.0"
    assert "has no 'b'" in lines[1]


@compiler
def test_closed_over_arrays_are_as_they_were(tmp_path: Path):
    table = np.arange(10.0)
    made = export(lambda x: x * table)(X, path=tmp_path / "f")
    table[:] = 0
    np.testing.assert_array_equal(called(made, X)[0], X * np.arange(10.0))
