"""Functions of other libraries by name, found without loading more than their file."""

import subprocess
import sys

import numpy as np
import pytest
from scipy.linalg import blas

import wengert
from wengert.compile.names import blas_symbol, exported, lapack_symbol

ALONE = """
import sys
from wengert.compile.names import exported
assert "dgemm" in exported("blas") and "dpotrf" in exported("lapack")
assert "scipy.linalg" not in sys.modules, "the whole package was loaded"
import scipy.linalg
from scipy.linalg import cython_blas, cython_lapack
assert scipy.linalg.cython_blas is cython_blas and scipy.linalg.cython_lapack is cython_lapack
assert scipy.linalg.det([[2.0]]) == 2.0
"""


def test_the_package_around_them_stays_out_and_can_be_loaded_later():
    done = subprocess.run([sys.executable, "-c", ALONE], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr


CALM = """
import os
from wengert.compile import names
seen, load = [], names.module_from_spec
names.module_from_spec = lambda spec: seen.append(os.environ.get("OPENBLAS_THREAD_TIMEOUT")) or load(spec)
before = os.environ.get("OPENBLAS_THREAD_TIMEOUT")
names.exported("blas")
print(seen, os.environ.get("OPENBLAS_THREAD_TIMEOUT") == before)
"""


@pytest.mark.parametrize(("set_to", "seen"), [(None, "16"), ("20", "20")])
def test_its_idle_threads_sleep_soon_unless_the_user_says_otherwise(set_to, seen, monkeypatch):
    monkeypatch.delenv("OPENBLAS_THREAD_TIMEOUT", raising=False)
    if set_to:
        monkeypatch.setenv("OPENBLAS_THREAD_TIMEOUT", set_to)
    done = subprocess.run([sys.executable, "-c", CALM], capture_output=True, text=True, check=False)
    assert done.stdout.split("]") == [f"['{seen}'", " True\n"], done.stderr


def test_they_are_the_functions_of_the_package():
    import scipy.linalg.cython_blas

    assert exported("blas").keys() == scipy.linalg.cython_blas.__pyx_capi__.keys()
    assert blas_symbol("sgemm")[0] and lapack_symbol("dgeqrf")[0]


def test_another_build_of_scipy_is_loaded_as_a_whole(monkeypatch):
    """Where the file is not found by its name the package gives it."""
    monkeypatch.setattr("wengert.compile.names.PathFinder.find_spec", lambda *_: None)
    exported.cache_clear()
    monkeypatch.delitem(sys.modules, "scipy.linalg.cython_blas", raising=False)
    try:
        assert "dgemm" in exported("blas")
    finally:
        exported.cache_clear()


@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_large_products_are_those_of_scipys_blas(dtype):
    x = np.random.default_rng(0).normal(size=(300, 300)).astype(dtype)
    gemm = blas.sgemm if dtype == "float32" else blas.dgemm
    np.testing.assert_allclose(
        wengert.jit(lambda a: a @ a)(x), gemm(1.0, x, x), rtol=1e-4 if dtype == "float32" else 1e-12
    )
