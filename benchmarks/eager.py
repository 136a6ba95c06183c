"""The eager path beside its peers: gradients and training steps, run by turns in one process.

    python benchmarks/eager.py            all rows
    python benchmarks/eager.py --only rosenbrock --rounds 50

Prints medians in microseconds and ratios (how many times faster this library is). HIPS autograd is the peer of
every row; PyTorch and JAX join where they are installed. BLAS runs on one thread.
"""

from __future__ import annotations

import os

for _name in ("OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS", "OMP_NUM_THREADS"):
    os.environ.setdefault(_name, "1")

import argparse
import gc
import statistics
import subprocess
import sys
import time
import tracemalloc
from collections.abc import Callable
from importlib.metadata import version
from typing import Any

import numpy as np

import wengert


def optional(name: str) -> Any:
    """A peer, or None where it is not installed."""
    try:
        return __import__(name, fromlist=["_"])
    except ImportError:
        return None


autograd, torch, jax = optional("autograd"), optional("torch"), optional("jax")
anp = optional("autograd.numpy")
if torch is not None:
    torch.set_num_threads(1)
    torch.set_default_dtype(torch.float64)
if jax is not None:
    jax.config.update("jax_enable_x64", True)

Run = Callable[[], Any]


def torch_grad(f: Callable[..., Any], x: Any) -> Run:
    """A gradient by PyTorch, from a NumPy array or number."""

    def run() -> Any:
        t = torch.tensor(x, requires_grad=True)
        f(t).backward()
        return t.grad.numpy()

    return run


# ---- rows: each gives {peer: callable}


def rosenbrock_of(xp: Any) -> Callable[..., Any]:
    def f(x: Any) -> Any:
        return xp.sum(100.0 * (x[1:] - x[:-1] ** 2) ** 2 + (1.0 - x[:-1]) ** 2)

    return f


def rosenbrock(n: int) -> dict[str, Run]:
    x = np.random.default_rng(0).normal(size=n)
    rows: dict[str, Run] = {"wengert": lambda: ours(x)}
    ours = wengert.grad(rosenbrock_of(np))
    if autograd:
        theirs = autograd.grad(rosenbrock_of(anp))
        rows["autograd"] = lambda: theirs(x)
    if torch:
        rows["torch"] = torch_grad(rosenbrock_of(torch), x)
    if jax:
        compiled = jax.jit(jax.grad(rosenbrock_of(jax.numpy)))
        rows["jax (compiled)"] = lambda: np.asarray(compiled(x))
    return rows


def sines_of(sin: Any) -> Callable[..., Any]:
    def f(x: Any) -> Any:
        for _ in range(50):
            x = sin(x)
        return x

    return f


def sines() -> dict[str, Run]:
    ours = wengert.grad(sines_of(np.sin))
    rows: dict[str, Run] = {"wengert": lambda: ours(1.0)}
    if autograd:
        theirs = autograd.grad(sines_of(anp.sin))
        rows["autograd"] = lambda: theirs(1.0)
    if torch:
        rows["torch"] = torch_grad(sines_of(torch.sin), 1.0)
    return rows


def loop_f(x: Any, n: int = 10_000) -> Any:
    y = x
    for _ in range(n):
        y = y * 0.999 + x
    return y


def loop() -> dict[str, Run]:
    ours = wengert.grad(loop_f)
    rows: dict[str, Run] = {"wengert": lambda: ours(0.5)}
    if autograd:
        theirs = autograd.grad(loop_f)
        rows["autograd"] = lambda: theirs(0.5)
    if torch:
        rows["torch"] = torch_grad(loop_f, 0.5)
    return rows


def network_of(xp: Any) -> Callable[..., Any]:
    """Softmax cross-entropy of 64-100-10 with tanh, as one writes it in NumPy."""

    def loss(params: Any, x: Any, onehot: Any) -> Any:
        (w1, b1), (w2, b2) = params
        z = xp.tanh(x @ w1 + b1) @ w2 + b2
        z = z - xp.max(z, axis=1, keepdims=True)
        return -xp.sum(onehot * (z - xp.log(xp.sum(xp.exp(z), axis=1, keepdims=True)))) / len(x)

    return loss


def step_by_hand(params: Any, x: Any, onehot: Any, rate: float) -> Any:
    """The same step with its derivatives written out."""
    (w1, b1), (w2, b2) = params
    h = np.tanh(x @ w1 + b1)
    z = h @ w2 + b2
    z = z - np.max(z, axis=1, keepdims=True)
    e = np.exp(z)
    s = np.sum(e, axis=1, keepdims=True)
    loss = -np.sum(onehot * (z - np.log(s))) / len(x)
    dz = (e / s - onehot) / len(x)
    dh = (dz @ w2.T) * (1 - h * h)
    new = [
        (w1 - rate * (x.T @ dh), b1 - rate * np.sum(dh, axis=0)),
        (w2 - rate * (h.T @ dz), b2 - rate * np.sum(dz, axis=0)),
    ]
    return loss, new


def training_step() -> dict[str, Run]:
    rng = np.random.default_rng(0)
    x = rng.normal(size=(200, 64))
    onehot = np.eye(10)[rng.integers(0, 10, 200)]
    params = [
        (rng.normal(size=(64, 100)) / 8, np.zeros(100)),
        (rng.normal(size=(100, 10)) / 10, np.zeros(10)),
    ]
    rate = 0.1

    def sgd(value_and_grad: Any) -> Run:
        def run() -> Any:
            loss, ds = value_and_grad(params, x, onehot)
            return loss, [(w - rate * dw, b - rate * db) for (w, b), (dw, db) in zip(params, ds, strict=True)]

        return run

    rows: dict[str, Run] = {
        "wengert": sgd(wengert.value_and_grad(network_of(np))),
        "by hand": lambda: step_by_hand(params, x, onehot, rate),
    }
    if autograd:
        rows["autograd"] = sgd(autograd.value_and_grad(network_of(anp)))
    if torch:
        rows["torch"] = torch_step(params, x, onehot, rate)
    return rows


def torch_step(params: Any, x: Any, onehot: Any, rate: float) -> Run:
    tensors = [torch.tensor(p, requires_grad=True) for layer in params for p in layer]
    tx, labels = torch.tensor(x), torch.tensor(onehot.argmax(1))

    def run() -> Any:
        w1, b1, w2, b2 = tensors
        loss = torch.nn.functional.cross_entropy(torch.tanh(tx @ w1 + b1) @ w2 + b2, labels)
        for t in tensors:
            t.grad = None
        loss.backward()
        with torch.no_grad():
            new = [t - rate * t.grad for t in tensors]
        return float(loss), new

    return run


def second_order() -> dict[str, Run]:
    x = np.random.default_rng(0).normal(size=10)
    g = wengert.grad(rosenbrock_of(np))
    ours = wengert.grad(lambda v: np.sum(g(v) ** 2))
    rows: dict[str, Run] = {"wengert": lambda: ours(x)}
    if autograd:
        h = autograd.grad(rosenbrock_of(anp))
        theirs = autograd.grad(lambda v: anp.sum(h(v) ** 2))
        rows["autograd"] = lambda: theirs(x)
    return rows


ROWS: dict[str, tuple[Callable[[], dict[str, Run]], str]] = {
    "rosenbrock n=10": (lambda: rosenbrock(10), "at least 4 x autograd, faster than torch"),
    "rosenbrock n=1000": (lambda: rosenbrock(1000), "at least 4 x autograd, faster than torch"),
    "50 nested sines": (sines, "at least 4 x autograd, faster than torch"),
    "loop of 10000 steps": (loop, "at least 20 x autograd"),
    "training step 64-100-10": (training_step, "at least 2 x autograd, at most 1.5 x by hand"),
    "gradient of |gradient|^2": (second_order, ""),
}


def agree(results: dict[str, Any]) -> None:
    """The peers must give the same numbers."""
    flat = {k: np.concatenate([np.ravel(np.asarray(v, float)) for v in _leaves(r)]) for k, r in results.items()}
    for name, value in flat.items():
        np.testing.assert_allclose(value, flat["wengert"], rtol=1e-6, atol=1e-9, err_msg=name)


def _leaves(tree: Any) -> list[Any]:
    if isinstance(tree, tuple | list):
        return [x for part in tree for x in _leaves(part)]
    return [tree.detach().numpy() if torch is not None and isinstance(tree, torch.Tensor) else tree]


def interleaved(rows: dict[str, Run], rounds: int, seconds: float) -> dict[str, float]:
    """Medians in seconds: in each round each peer runs as often as fits a fixed time, in turn."""
    counts: dict[str, int] = {}
    for name, run in rows.items():
        run()
        start = time.perf_counter()
        run()
        counts[name] = max(1, int(seconds / rounds / len(rows) / max(time.perf_counter() - start, 1e-7)))
    times: dict[str, list[float]] = {name: [] for name in rows}
    for _ in range(rounds):
        for name, run in rows.items():
            start = time.perf_counter()
            for _ in range(counts[name]):
                run()
            times[name].append((time.perf_counter() - start) / counts[name])
    return {name: statistics.median(t) for name, t in times.items()}


def fill(x: Any, n: int) -> Any:
    y = np.zeros(n)
    for i in range(n):
        y[i] = x[i % 10] ** 2
    return np.sum(y)


def linear_growth() -> None:
    """Time and memory of the loop and of filling an array, at n and 4n steps."""
    x = np.linspace(0.1, 1.0, 10)
    gc.collect()
    gc.freeze()  # what the peers hold is not ours to go through at each full collection
    for name, f in (("loop of n steps", lambda n: wengert.grad(lambda v: loop_f(v, n))(0.5)),
                    ("np.zeros(n) filled", lambda n: wengert.grad(lambda v: fill(v, n))(x))):  # fmt: skip
        figures = []
        for n in (10_000, 40_000):
            times = []
            for _ in range(3):
                start = time.perf_counter()
                f(n)
                times.append(time.perf_counter() - start)
            tracemalloc.start()
            f(n)
            figures.append((statistics.median(times), tracemalloc.get_traced_memory()[1]))
            tracemalloc.stop()
        (t1, m1), (t4, m4) = figures
        print(
            f"{name:26s} n = 10000: {t1 * 1e3:.1f} ms, {m1 / 1e6:.1f} MB; n = 40000: {t4 * 1e3:.1f} ms, "
            f"{m4 / 1e6:.1f} MB; grows {t4 / t1:.2f} x in time, {m4 / m1:.2f} x in memory (linear: 4)"
        )


def import_time(rounds: int = 10) -> None:
    """``import wengert`` beside ``import numpy``, each in a process of its own, by turns."""
    code = "import time; t = time.perf_counter(); import {}; print(time.perf_counter() - t)"
    times: dict[str, list[float]] = {"numpy": [], "wengert": [], "wengert; wengert.grad": []}
    for _ in range(rounds + 1):
        for name, found in times.items():
            out = subprocess.run([sys.executable, "-c", code.format(name)], capture_output=True, text=True, check=True)
            found.append(float(out.stdout))
    base = statistics.median(times["numpy"][1:])
    for name, found in times.items():
        t = statistics.median(found[1:])
        print(f"import {name:24s} {t * 1e3:7.1f} ms   {t / base:.2f} x numpy")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--only", default="", help="rows whose name contains this")
    parser.add_argument("--rounds", type=int, default=25)
    parser.add_argument("--seconds", type=float, default=4.0, help="time for each row")
    options = parser.parse_args()
    versions = [("NumPy", np.__version__)] + [(n, version(n)) for n in ("autograd", "torch", "jax") if optional(n)]
    print(f"Python {sys.version.split()[0]}, " + ", ".join(f"{n} {v}" for n, v in versions))
    for name, (make, goal) in ROWS.items():
        if options.only not in name:
            continue
        rows = make()
        agree({peer: run() for peer, run in rows.items()})
        gc.collect()
        medians = interleaved(rows, options.rounds, options.seconds)
        ours = medians["wengert"]
        ratios = ", ".join(
            f"{peer} {t * 1e6:.1f} µs ({t / ours:.2f} x)" for peer, t in medians.items() if peer != "wengert"
        )
        print(f"{name:26s} {ours * 1e6:9.1f} µs   {ratios}" + (f"   [{goal}]" if goal else ""))
    if not options.only:
        linear_growth()
        import_time()


if __name__ == "__main__":
    main()
