"""Every function that is not exact stays within its stated bound: against mpmath, and double for single precision."""

import numpy as np
import pytest
from tests.compile._loops import X86, run
from tests.compile._references import ONE, SUMS, TWO, exact, operands, ulps

from wengert.compile.scalars import BOUNDS

ALIASES = {"special_exp2", "special_expm1", "special_log1p", "special_cbrt"}
EXTENDED = np.finfo(np.longdouble).nmant >= 63
SPECIAL = [
    0.0,
    -0.0,
    np.inf,
    -np.inf,
    np.nan,
    1.0,
    -1.0,
    0.5,
    -0.5,
    2.0,
    3.0,
    1e-310,
    -1e-310,
    1e-40,
    -1e-45,
    1e30,
    -1e30,
    1e300,
    5e-324,
]


def limit(name, dtype):
    return BOUNDS[name]["f32" if dtype == np.float32 else "f64"].ulp


def worst(name, ours, high, low, *xs):
    far = ulps(ours, high, low)
    k = int(np.argmax(far))
    return far[k], f"{name}{tuple(x[k] for x in xs)} is {high[k]!r}, and {ours[k]!r} is {far[k]:.2f} ulp away"


def test_every_bound_is_tried():
    assert set(BOUNDS) - ALIASES == set(ONE) | set(TWO)


@pytest.mark.parametrize("name", ONE)
def test_double_precision_by_mpmath(name):
    f, _, largest = ONE[name]
    x = operands(np.float64, largest, 150)
    far, message = worst(name, run(name, x), *exact(f, x), x)
    assert far <= limit(name, np.float64), message


@pytest.mark.skipif(not EXTENDED, reason="NumPy's longdouble has no more bits than double here")
@pytest.mark.parametrize(
    "name",
    [
        n
        for n, (_, f, _) in ONE.items()
        if hasattr(f, "types")
        and "g->g" in f.types
        and n[:3] != "erf"
        and n not in ("ndtr", "log_ndtr", "expit", "logit", "log_expit", "exp10")
    ],
)
def test_double_precision_by_longer_numbers(name):
    _, f, largest = ONE[name]
    x = operands(np.float64, largest, 30000)
    with np.errstate(all="ignore"):
        reference = f(x.astype(np.longdouble))
        high = reference.astype(np.float64)
        low = np.where(np.isfinite(high), (reference - high).astype(np.float64), 0)
    far, message = worst(name, run(name, x), high, low, x)
    assert far <= limit(name, np.float64), message


@pytest.mark.parametrize("name", ONE)
def test_single_precision(name):
    f, numeric, largest = ONE[name]
    few = operands(np.float32, largest, 60)
    far, message = worst(name, run(name, few, lanes=16), *exact(f, few), few)
    assert far <= limit(name, np.float32), message
    if numeric is not None:
        x = operands(np.float32, largest, 30000)
        with np.errstate(all="ignore"):
            high = numeric(x.astype(np.float64))
        far, message = worst(name, run(name, x, lanes=16), high, np.zeros(x.size), x)
        assert far <= limit(name, np.float32) + 1e-3, message


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize("name", TWO)
def test_two_operands(name, dtype):
    if name == "float_power" and dtype == np.float32:
        pytest.skip("NumPy has no such loop")
    f, _ = TWO[name]
    rng, n = np.random.default_rng(2), 500
    x = np.concatenate(
        [
            rng.normal(size=n) * 10.0 ** rng.uniform(-5, 5, n),
            np.exp(rng.uniform(-85, 85, n)),
            1 + rng.normal(size=n) * 1e-3,
        ]
    ).astype(dtype)
    y = np.concatenate(
        [rng.normal(size=n) * 10.0 ** rng.uniform(-5, 5, n), rng.normal(size=n) * 3, rng.normal(size=n) * 1e4]
    ).astype(dtype)
    if "power" in name:
        x[: n // 2], y[: n // 2] = np.abs(x[: n // 2]), np.rint(y[: n // 2] % 20)
        with np.errstate(all="ignore"):
            keep = np.abs(y * np.log(np.abs(x).astype(np.float64))) < 800
        x, y = x[keep], y[keep]
    far, message = worst(name, run(name, x, y), *exact(f, x, y), x, y)
    assert far <= limit(name, dtype), message


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize("name", SUMS)
def test_sums_of_exponentials_are_right_to_two_units_of_the_larger_part(name, dtype):
    f, _ = SUMS[name]
    rng, n = np.random.default_rng(4), 800
    x, y = (
        np.concatenate([rng.normal(size=n) * 10.0 ** rng.uniform(-3, 2, n), rng.normal(size=n)]).astype(dtype)
        for _ in "xy"
    )
    high, low = exact(f, x, y)
    unit = np.spacing(np.maximum(np.maximum(np.abs(x), np.abs(y)), np.abs(high)).astype(dtype)).astype(np.float64)
    assert (np.abs((run(name, x, y).astype(np.float64) - high) - low) <= 2 * unit).all()


def agrees(name, ours, theirs, bound, *parts):
    """Exceptions, zeros and ones with their signs exactly, the rest nearly."""
    dtype = ours.dtype
    special = ~np.isfinite(theirs) | (theirs == 0) | (np.abs(theirs) == 1)
    nan = np.isnan(theirs)
    np.testing.assert_array_equal(np.isnan(ours), nan, err_msg=name)
    np.testing.assert_array_equal(ours[special & ~nan], theirs[special & ~nan], err_msg=name)
    np.testing.assert_array_equal(np.signbit(ours[~nan]), np.signbit(theirs[~nan]), err_msg=name)
    rest = ~special
    with np.errstate(all="ignore"):
        size = np.maximum.reduce([np.where(np.isfinite(t), np.abs(t), 0).astype(dtype) for t in (theirs, *parts)])
        assert (np.abs(ours - theirs)[rest] <= (bound + 1) * np.spacing(size[rest])).all(), name


@pytest.mark.parametrize("lanes", [0, 3, 8])
@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize("name", [n for n, (_, f, _) in ONE.items() if f is not None])
def test_special_operands(name, dtype, lanes):
    numeric = ONE[name][1]
    with np.errstate(all="ignore"):
        x = np.array(SPECIAL).astype(dtype)
        if name in ("log_ndtr", "erfcx", "ndtr"):  # SciPy is some 10 ulp away from the exact values of large operands
            x = x[(np.abs(x) < 1e4) | ~np.isfinite(x)]
        theirs = numeric(x)
    agrees(name, run(name, x, lanes=lanes), theirs, max(limit(name, dtype), 3))


@pytest.mark.parametrize("lanes", [0, 3, 8])
@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize("name", [*TWO, *SUMS])
def test_special_pairs(name, dtype, lanes):
    if name == "float_power" and dtype == np.float32:
        pytest.skip("NumPy has no such loop")
    with np.errstate(all="ignore"):
        x, y = (
            t.ravel()
            for t in np.meshgrid(np.array(SPECIAL).astype(dtype), np.array([*SPECIAL, -2.0, -3.0, 2.5]).astype(dtype))
        )
        theirs = (TWO | SUMS)[name][1](x, y)
    agrees(name, run(name, x, y, lanes=lanes), theirs, 3, *((x, y) if name in SUMS else ()))


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize("name", ["sin", "cos", "tan"])
def test_circular_functions_of_huge_numbers(name, dtype):
    rng = np.random.default_rng(6)
    x = (rng.normal(size=300) * 10.0 ** rng.uniform(0, 37, 300)).astype(dtype)
    far, message = worst(name, run(name, x), *exact(lambda v: ONE[name][0](v), x), x)
    assert far <= limit(name, dtype), message
    near = (np.arange(1, 3000) * (np.pi / 2)).astype(dtype)  # next to where they vanish
    far, message = worst(name, run(name, near), *exact(ONE[name][0], near), near)
    assert far <= limit(name, dtype), message


def test_powers_of_whole_numbers_are_exact():
    x, n = (t.ravel().astype(float) for t in np.meshgrid(np.arange(-12, 13), np.arange(0, 14)))
    np.testing.assert_array_equal(run("power", x, n), [float(int(a) ** int(b)) for a, b in zip(x, n, strict=True)])


def test_logarithms_of_powers_are_exact():
    k = np.arange(-1074, 1024)
    np.testing.assert_array_equal(run("log2", np.ldexp(1.0, k)), k)
    np.testing.assert_array_equal(run("log10", np.array([10.0**j for j in range(23)])), np.arange(23))
    np.testing.assert_array_equal(
        run("exp2", np.arange(-1080.0, 1030)), [2.0**j if j < 1024 else np.inf for j in range(-1080, 1030)]
    )


def test_tanh_and_erf_do_not_leave_their_range_and_grow():
    for dtype, name in (
        (np.float32, "tanh"),
        (np.float32, "erf"),
        (np.float32, "expit"),
        (np.float64, "tanh"),
        (np.float64, "erf"),
    ):
        y = run(name, np.linspace(-25, 25, 100001).astype(dtype), lanes=16)
        assert np.abs(y).max() == 1 and (np.diff(y) >= -3 * np.spacing(np.abs(y[1:]))).all()


@pytest.mark.skipif(not X86, reason="other processors of this kind are known for x86")
@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize("target", ["avx2", "sse2"])
@pytest.mark.parametrize("name", ONE)
def test_other_processors(name, target, dtype):
    """The same bounds with fused products, some more without."""
    f, _, largest = ONE[name]
    x = operands(dtype, min(largest, 1e5), 40)
    ours = run(name, x, lanes=32 // x.itemsize, target=target)
    far, message = worst(name, ours, *exact(f, x), x)
    assert far <= limit(name, dtype) * (1 if target == "avx2" else 2.5), message
