"""The table of lowerings: its names are primitives, SciPy's functions by their addresses, constants as exponents."""

import warnings

import numpy as np
import pytest
from tests.compile._loops import run
from tests.compile._references import exact, operands, ulps

import wengert.ops.special  # noqa: F401  # its records
from wengert.compile.emit import F32, F64, Emitter
from wengert.compile.scalars import BOUNDS, KINDS, LANEWISE, LOWER, address, library, supports
from wengert.core.primitive import REGISTRY

# the ufuncs' other names, which share their records
SYNONYMS = {"radians", "degrees"}


def test_every_name_is_a_primitives():
    assert set(LOWER) - SYNONYMS <= set(REGISTRY)
    assert set(LOWER) == set(KINDS)


def test_every_primitive_of_elementwise_is_lowered_or_known_not_to_be():
    from wengert.ops import elementwise

    names = {p.name for p in vars(elementwise).values() if hasattr(p, "impl")} | {
        p.name for p in elementwise.FLAT_UFUNCS
    }
    assert names - set(LOWER) == set()


@pytest.mark.parametrize("name", sorted(LANEWISE))
def test_scipys_functions_lane_by_lane(name):
    if not supports(name, np.float64):
        pytest.skip("this SciPy has no pointer to it")
    ufunc = REGISTRY[name].ufunc
    rng = np.random.default_rng(8)
    for columns in (
        rng.normal(size=(ufunc.nin, 60)),
        rng.uniform(0, 1, (ufunc.nin, 60)),
        rng.integers(-3, 9, (ufunc.nin, 60)).astype(float),
    ):
        with np.errstate(all="ignore"), warnings.catch_warnings():
            warnings.simplefilter("ignore")
            theirs = ufunc(*columns)
            np.testing.assert_array_equal(run(name, *columns, lanes=4), theirs)
            singles = columns.astype(np.float32)
            expected = ufunc(*singles.astype(float)).astype(np.float32)
            np.testing.assert_array_equal(run(name, *singles, lanes=16), expected)


def test_what_is_supported():
    assert supports("tanh", np.float32) and supports("add", bool) and supports("left_shift", np.uint8)
    assert (
        not supports("tanh", np.float16) and not supports("tanh", np.complex128) and not supports("tanh", np.longdouble)
    )
    assert (
        not supports("tanh", np.int64) and not supports("bitwise_and", np.float64) and not supports("sort", np.float64)
    )
    assert not supports("add", np.dtype(">f8" if np.little_endian else "<f8"))


def test_symbols_of_a_kept_object_are_found_again():
    e = Emitter()
    with e.function("f", [F64, F64]) as (x, y):
        LOWER["gammaln"](e, [x], np.dtype(float), {})
        LOWER["fmod"](e, [x, y], np.dtype(float), {})
        LOWER["sin"](e, [e.splat(x, 8)], np.dtype(float), {})
    assert len(e.symbols) == 3
    assert e.symbols == {name: address(name) for name in e.symbols}
    assert address("malloc") is None and not library.has("no such function")


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize("exponent", [0.0, 1.0, 2.0, 3.0, 4.0, -1.0, 0.5, 2.5])
def test_powers_by_a_constant(dtype, exponent):
    from tests.compile._loops import compiled_function

    x = np.concatenate([operands(dtype, 1e30, 100), [0.0, -0.0, np.inf, -np.inf, np.nan]]).astype(dtype)
    if exponent == 0.5:  # NumPy takes a root where the exponent is one number, in some of its versions
        x = np.abs(x)
    ours = compiled_function(lambda e, v: LOWER["power"](e, [v, e.const(v.type, exponent)], np.dtype(dtype), {}), x)
    with np.errstate(all="ignore"):
        theirs = np.power(x, dtype(exponent))
    special = ~np.isfinite(theirs) | (theirs == 0) | ~np.isfinite(x)  # of these NumPy is the judge
    np.testing.assert_array_equal(ours[special], theirs[special])
    rest = ~special
    high, low = exact(lambda v: v**exponent, x[rest])
    assert ulps(ours[rest], high, low).max() <= 2


def test_functions_are_short():
    for name in BOUNDS:
        e = Emitter()
        operands_ = 2 if getattr(REGISTRY[name].ufunc, "nin", 1) == 2 else 1
        with e.function("f", [F32.wide(16)] * operands_) as xs:
            LOWER[name](e, xs, np.dtype(np.float32), {})
        assert len(e.text().splitlines()) < 450, name
    e = Emitter()
    with e.function("f", [F32.wide(16)]) as (x,):
        LOWER["exp"](e, [x], np.dtype(np.float32), {})
    assert len(e.text().splitlines()) < 40
