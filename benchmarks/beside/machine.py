"""The machine: how many of its cores are used, how fast it multiplies, how much memory a process took."""

from __future__ import annotations

import os
import platform
import sys
import threading
import time
from pathlib import Path
from typing import Any


def limit(threads: int) -> None:
    """Hold this process to so many threads, before any library is loaded."""
    for name in ("OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS", "OMP_NUM_THREADS", "VECLIB_MAXIMUM_THREADS"):
        os.environ[name] = str(threads)
    if threads == 1:
        os.environ["XLA_FLAGS"] = "--xla_cpu_multi_thread_eigen=false intra_op_parallelism_threads=1"
    if hasattr(os, "sched_setaffinity"):  # JAX makes its pool as large as the set of cores it may run on
        os.sched_setaffinity(0, sorted(os.sched_getaffinity(0))[:threads])


def peak_memory() -> int:
    """The largest this process has been, in bytes; 0 where the system does not tell."""
    try:
        import resource
    except ImportError:  # Windows
        return 0
    most = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return most if sys.platform == "darwin" else most * 1024


def describe() -> str:
    """Processor, cores, Python."""
    name = platform.processor() or platform.machine()
    try:
        lines = Path("/proc/cpuinfo").read_text(encoding="utf-8").splitlines()
        name = next((line.split(":")[1].strip() for line in lines if line.startswith("model name")), name)
    except OSError:
        pass
    return f"{name}, {os.cpu_count()} cores, {platform.system()}, Python {platform.python_version()}"


def busy() -> str:
    """A warning where others work on this machine too, else nothing."""
    if not hasattr(os, "getloadavg"):
        return ""
    load = os.getloadavg()[0]
    return f"load average {load:.1f}: others work on this machine, and threads wait for each other\n" * (load > 0.5)


def product_rate(dtype: str) -> float:
    """Operations a second of one large product by NumPy's BLAS."""
    import numpy as np

    n = 2048 if dtype == "float32" else 1448
    a, out = _square(n, dtype), np.empty((n, n), dtype)
    np.matmul(a, a, out=out)
    start = time.perf_counter()
    np.matmul(a, a, out=out)
    return 2.0 * n**3 / (time.perf_counter() - start)


_SQUARES: dict[tuple[int, str], Any] = {}


def _square(n: int, dtype: str) -> Any:
    import numpy as np

    if (n, dtype) not in _SQUARES:
        _SQUARES[n, dtype] = np.random.default_rng(0).normal(size=(n, n)).astype(dtype)
    return _SQUARES[n, dtype]


def fma_rate(dtype: str, threads: int) -> float | None:
    """Operations a second of fused multiply-adds that touch no memory, on so many threads. None without llvmlite."""
    try:
        function, keep, lanes = _fma_loop(dtype)
    except ImportError:
        return None
    n, best = 20_000_000, 0.0
    for _ in range(3):
        workers = [threading.Thread(target=function, args=(n,)) for _ in range(threads)]
        start = time.perf_counter()
        for worker in workers:
            worker.start()
        for worker in workers:
            worker.join()
        best = max(best, threads * 2.0 * n * lanes * _CHAINS / (time.perf_counter() - start))
    del keep
    return best


# Independent sums: enough to hide the latency of an addition on two units, and to fit into sixteen registers.
_CHAINS = 12


def _fma_loop(dtype: str) -> tuple[Any, Any, int]:
    import ctypes

    import llvmlite.binding as llvm

    llvm.initialize_native_target()
    llvm.initialize_native_asmprinter()
    features = llvm.get_host_cpu_features()
    bits = 512 if features.get("avx512f") else 256 if features.get("avx2") else 128
    scalar, lanes = ("float", bits // 32) if dtype == "float32" else ("double", bits // 64)
    vector, name = f"<{lanes} x {scalar}>", f"llvm.fma.v{lanes}f{32 if dtype == 'float32' else 64}"
    sums = range(_CHAINS)
    lines = [
        f"declare {vector} @{name}({vector}, {vector}, {vector})",
        f"define {scalar} @run(i64 %n) {{",
        "entry:",
        # an operand the optimiser cannot see through, and that keeps the sums finite
        f"  %many = uitofp i64 %n to {scalar}",
        f"  %small = fdiv {scalar} 1.0, %many",
        f"  %ins = insertelement {vector} poison, {scalar} %small, i32 0",
        f"  %v = shufflevector {vector} %ins, {vector} poison, <{lanes} x i32> zeroinitializer",
        "  br label %loop",
        "loop:",
        "  %i = phi i64 [0, %entry], [%i1, %loop]",
        *(f"  %s{k} = phi {vector} [%v, %entry], [%t{k}, %loop]" for k in sums),
        *(f"  %t{k} = call {vector} @{name}({vector} %s{k}, {vector} %v, {vector} %v)" for k in sums),
        "  %i1 = add i64 %i, 1",
        "  %more = icmp ult i64 %i1, %n",
        "  br i1 %more, label %loop, label %done",
        "done:",
        f"  %u0 = fadd {vector} %t0, %v",
        *(f"  %u{k} = fadd {vector} %u{k - 1}, %t{k}" for k in sums[1:]),
        f"  %r = extractelement {vector} %u{_CHAINS - 1}, i32 0",
        f"  ret {scalar} %r",
        "}",
    ]
    machine = llvm.Target.from_default_triple().create_target_machine(
        cpu=llvm.get_host_cpu_name(), features=features.flatten(), opt=2
    )
    engine = llvm.create_mcjit_compiler(llvm.parse_assembly("\n".join(lines)), machine)
    engine.finalize_object()
    kind = ctypes.CFUNCTYPE(ctypes.c_float if scalar == "float" else ctypes.c_double, ctypes.c_int64)
    return kind(engine.get_function_address("run")), engine, lanes
