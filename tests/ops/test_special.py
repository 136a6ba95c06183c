"""Special functions beyond the laws: every ufunc is classified, several outputs, complex numbers, edges, refusals."""

from __future__ import annotations

import re
import subprocess
import sys
from typing import Any

import numpy as np
import pytest
import scipy.special as sc

from wengert import UnsupportedError, check_grads, elementwise_grad, grad, jvp, make_program, vmap
from wengert.frontend import special as frontend
from wengert.frontend.tables import REFUSED, UFUNCS
from wengert.ops.special import RECORDS
from wengert.ops.special_record import flat_ufunc, several, special

ALL = {name: f for name in dir(sc) if isinstance(f := getattr(sc, name), np.ufunc)}
pytestmark = pytest.mark.filterwarnings("ignore::RuntimeWarning", "ignore::wengert.FlatDerivativeWarning")

# ---- every one is differentiable, flat or refused


def test_every_ufunc_is_classified() -> None:
    unknown = sorted(name for name, f in ALL.items() if f not in UFUNCS and f not in REFUSED)
    assert not unknown, (
        f"enter {unknown} in wengert.ops.special_*, or in REASONS of wengert.frontend.special with a reason"
    )
    assert not set(RECORDS) & set(REFUSED)


def test_every_reason_is_of_a_ufunc() -> None:
    assert not [name for name in frontend.REASONS if hasattr(sc, name) and not isinstance(getattr(sc, name), np.ufunc)]


@pytest.mark.parametrize("name", sorted(name for name, f in ALL.items() if f in REFUSED))
def test_refused_ufuncs_say_why(name: str) -> None:
    f = ALL[name]
    with pytest.raises(UnsupportedError, match=rf"scipy\.special\.{name} .*: {REFUSED[f]}"):
        grad(lambda x: np.sum(f(*[x] * f.nin)))(0.5)


# SciPy itself takes whole numbers only, or warns of others
COUNTS = re.compile("eval_hermite|n?bdtr|.*_cv$")


def refused_slots() -> list[Any]:
    return [
        pytest.param(ufunc, k, id=f"{ufunc.__name__}-{k}")
        for ufunc, record in RECORDS.items()
        for k, diff in enumerate(record.diffs)
        if hasattr(diff, "refusal") and not ufunc.__name__.startswith("eval_hermite")
    ]


@pytest.mark.filterwarnings("ignore:non-integer arg:DeprecationWarning")
@pytest.mark.parametrize(("ufunc", "k"), refused_slots())
def test_refused_arguments_say_why_when_they_are_used(ufunc: np.ufunc, k: int) -> None:
    """In both modes, at the line of the call; batching and staging go through."""
    reached: list[str] = []

    def f(x: Any) -> Any:
        operands = [2.0] * ufunc.nin
        if "l" in ufunc.types[0]:
            operands = [
                2 if c == "l" and j != k else x for j, (c, x) in enumerate(zip(ufunc.types[0], operands, strict=False))
            ]
        value = ufunc(*operands[:k], x, *operands[k + 1 :])
        reached.append("after the call")
        return value

    for differentiate in (lambda: grad(f)(1.5), lambda: jvp(f, (1.5,), (1.0,))):
        with pytest.raises(UnsupportedError, match=rf"{ufunc.__name__} has no derivative in its \w+ argument"):
            differentiate()
    assert not reached
    if COUNTS.match(ufunc.__name__):
        return  # of whole numbers only
    rows = vmap(f)(np.array([1.5, 2.5]))
    np.testing.assert_array_equal(rows, np.transpose([f(1.5), f(2.5)]) if ufunc.nout > 1 else [f(1.5), f(2.5)])
    assert len(make_program(f)(1.5).equations) >= 1


# ---- several outputs, and complex ones: real functions of them, to second order

SEVERAL = {
    "airy": (0.7,), "airye": (9.0,), "itairy": (0.7,), "kelvin": (1.3,), "sici": (1.3,), "shichi": (1.3,),
    "fresnel": (0.8,), "modfresnelp": (0.8,), "modfresnelm": (0.8,), "itj0y0": (1.3,), "iti0k0": (1.3,),
    "it2j0y0": (1.3,), "it2i0k0": (1.3,), "ellipj": (0.8, 0.4), "wofz": (7.0,), "hankel1": (2, 1.3), "hankel2": (2, 1.3),
    "hankel1e": (2, 1.3), "hankel2e": (2, 1.3), "pbdv": (1, 0.7), "pbvv": (1, 0.7), "pbwa": (1, 0.7),
}  # fmt: skip


def real_sum(out: Any) -> Any:
    outs = out if isinstance(out, tuple) else (out,)
    return sum((k + 1) * np.sum(np.cos(np.real(o)) + np.imag(o) ** 2) for k, o in enumerate(outs))


@pytest.mark.parametrize("name", SEVERAL)
def test_several_outputs(name: str) -> None:
    first = [x for x in SEVERAL[name] if isinstance(x, int)]
    rest = [x for x in SEVERAL[name] if isinstance(x, float)]

    def f(*args: Any) -> Any:
        return real_sum(ALL[name](*first, *args))

    # some of SciPy's integrals are right to eight digits, and their differences to fewer
    check_grads(f, tuple(rest), order=2, tol=1e-4 if name.startswith("it") else 1e-5)


def test_one_of_several_outputs() -> None:
    assert grad(lambda x: sc.airy(x)[2])(0.5) == pytest.approx(sc.airy(0.5)[3], rel=1e-15)
    rows = vmap(grad(lambda x: sc.sici(x)[0]))(np.array([0.0, 1.0]))
    np.testing.assert_allclose(rows, [1.0, np.sin(1.0)], rtol=1e-15)


# ---- holomorphic functions

HOLOMORPHIC: dict[str, tuple[Any, ...]] = {
    **dict.fromkeys(("erf", "erfc", "erfcx", "erfi", "dawsn", "wofz", "ndtr", "log_ndtr"), ()),
    **dict.fromkeys(("gamma", "loggamma", "rgamma", "expi", "exp1", "spence", "wrightomega", "expm1", "log1p"), ()),
    **dict.fromkeys(("jv", "yv", "iv", "kv", "kve", "hankel1", "hankel2", "hankel1e", "hankel2e"), (2.0,)),
    "hyp0f1": (2.0,), "hyp1f1": (1.0, 2.0), "hyp2f1": (1.0, 2.0, 3.5), "xlogy": (1.2 + 0.3j,), "xlog1py": (1.2 + 0.3j,),
    **{f"eval_{name}": (3.0,) for name in ("legendre", "chebyt", "chebyu", "chebyc", "chebys", "laguerre")},
    **{f"eval_{name}": (3.0,) for name in ("sh_legendre", "sh_chebyt", "sh_chebyu")},
    "eval_genlaguerre": (3.0, 1.5), "eval_gegenbauer": (3.0, 1.5), "eval_jacobi": (3.0, 1.5, 0.5),
    "elliprc": (1.2,), "elliprf": (1.2, 0.7), "elliprg": (1.2, 0.7), "elliprd": (1.2, 0.7), "elliprj": (1.2, 0.7, 2.1),
}  # fmt: skip
POINTS = np.array([0.4 + 0.3j, -0.5 + 0.8j, 0.3 - 0.6j])


@pytest.mark.parametrize("name", HOLOMORPHIC)
def test_complex_derivative(name: str) -> None:
    def f(z: Any) -> Any:
        return ALL[name](*HOLOMORPHIC[name], z)

    v, h = 0.6 - 0.8j, 1e-4
    _, got = jvp(f, (POINTS,), (np.full(3, v),))
    wide, narrow = ((f(POINTS + k * h * v) - f(POINTS - k * h * v)) / (2 * k * h) for k in (2, 1))
    np.testing.assert_allclose(got, (4 * narrow - wide) / 3, rtol=1e-9)


@pytest.mark.parametrize(("name", "scale"), [("erf", 1.0), ("ndtr", np.sqrt(0.5))])
def test_complex_gaussians_far_out(name: str, scale: float) -> None:
    """On the diagonal e^(−z²) only turns."""
    z = 70.0 + 70.0j
    _, got = jvp(ALL[name], (np.complex128(z / scale),), (1.0 + 0j,))
    want = (2.0 if name == "erf" else scale) / np.sqrt(np.pi) * np.exp(-2j * 4900.0)
    assert abs(got - want) <= 1e-11 * abs(want)


@pytest.mark.parametrize("name", ["airy", "sici", "shichi", "fresnel"])
def test_complex_derivatives_of_several_outputs(name: str) -> None:
    v, h = 0.6 - 0.8j, 1e-4
    _, got = jvp(ALL[name], (POINTS,), (np.full(3, v),))
    for k, t in enumerate(got):
        slopes = [(ALL[name](POINTS + s * v)[k] - ALL[name](POINTS - s * v)[k]) / (2 * s) for s in (2 * h, h)]
        np.testing.assert_allclose(t, (4 * slopes[1] - slopes[0]) / 3, rtol=1e-9)


@pytest.mark.parametrize("name", ["jve", "yve", "ive", "airye"])
def test_functions_that_are_not_holomorphic_refuse_complex_numbers(name: str) -> None:
    orders = (2.0,) * (ALL[name].nin - 1)
    with pytest.raises(UnsupportedError, match=f"{name} of a complex number has no complex derivative"):
        jvp(lambda z: ALL[name](*orders, z), (1.0 + 1j,), (1.0 + 0j,))


def test_every_function_of_complex_numbers_is_holomorphic_or_refuses() -> None:
    """By the equations of Cauchy and Riemann: a step to the side is i times a step ahead."""
    arguments = {"_zeta": lambda z: (z + 1.5, 0.7), "eval_sh_jacobi": lambda z: (3.0, 2.5, 1.5, z)}
    z, h, refused = 0.9 + 0.4j, 1e-6, set()
    for ufunc in RECORDS:
        if not any("D" in t.partition("->")[0] for t in ufunc.types):
            continue
        given = arguments.get(
            ufunc.__name__, lambda z, ufunc=ufunc: (*HOLOMORPHIC.get(ufunc.__name__, (2.0,) * (ufunc.nin - 1)), z)
        )
        f = (lambda z: sc.lambertw(z, 0)) if ufunc.__name__ == "_lambertw" else lambda z, u=ufunc, g=given: u(*g(z))
        try:
            _, slope = jvp(f, (np.complex128(z),), (1j,))
        except UnsupportedError:
            refused.add(ufunc.__name__)
            continue
        ahead = (np.array(f(z + h)) - np.array(f(z - h))) / (2 * h)
        np.testing.assert_allclose(slope, 1j * ahead, rtol=1e-8, err_msg=ufunc.__name__)
    assert refused == {"jve", "yve", "ive", "airye", "psi", "_zeta", "_riemann_zeta"}


def test_second_derivative_of_complex_loggamma_is_refused() -> None:
    with pytest.raises(UnsupportedError, match="no complex trigamma"):
        jvp(lambda z: jvp(sc.loggamma, (z,), (1 + 0j,))[1], (1.0 + 1j,), (1.0 + 0j,))


# ---- edges: where a formula is 0/0 or infinite, to higher orders


def derivative(f: Any, order: int) -> Any:
    for _ in range(order):
        f = elementwise_grad(f)
    return f


EDGES = [
    ("sin x/x at 0", lambda x: sc.sici(x)[0], 0.0, (1.0, 0.0, -1 / 3, 0.0, 1 / 5)),
    ("sinh x/x at 0", lambda x: sc.shichi(x)[0], 0.0, (1.0, 0.0, 1 / 3, 0.0, 1 / 5)),
    ("exprel at 0", sc.exprel, 0.0, (1 / 2, 1 / 3, 1 / 4, 1 / 5)),
    ("boxcox through λ = 0", lambda e: sc.boxcox(np.e, e), 0.0, (1 / 2, 1 / 3, 1 / 4)),
    ("inv_boxcox through λ = 0", lambda e: sc.inv_boxcox(1.0, e), 0.0, (-np.e / 2, np.e * (2 / 3 + 1 / 4))),
    ("spence at 1", sc.spence, 1.0, (-1.0, 1 / 2, -2 / 3)),
    ("ellipk at 0", sc.ellipk, 0.0, (np.pi / 8, 9 * np.pi / 64, 75 * np.pi / 256)),
    ("ellipe at 0", sc.ellipe, 0.0, (-np.pi / 8, -3 * np.pi / 64)),
    ("agm at equality", lambda a: sc.agm(a, 1.0), 1.0, (1 / 2, -1 / 8)),
    ("R_D at equality", lambda x: sc.elliprd(x, 1.0, 1.0), 1.0, (-3 / 10, 9 / 28)),
    ("1/Γ at a pole of Γ", sc.rgamma, 0.0, (1.0, 2 * np.euler_gamma)),
    ("1/Γ at another", sc.rgamma, -2.0, (2.0, 4 * (np.euler_gamma - 1.5))),
    ("binomials at 0", lambda k: sc.binom(2.0, k), 3.0, (-1 / 3,)),
    ("a rising factorial's zero", lambda a: sc.poch(a, 3.0), -1.0, (-1.0,)),
    ("a rising factorial between poles", lambda a: sc.poch(a, 2.0), -4.0, (-7.0,)),
    ("E_0", lambda x: sc.expn(0, x), 1.0, (-2 / np.e, 5 / np.e, -16 / np.e)),
    ("Kelvin at 0", sc.bei, 0.0, (0.0, 1 / 2, 0.0)),
    ("Kelvin at 0, ber", sc.ber, 0.0, (0.0, 0.0, 0.0, -3 / 8)),
    ("P(1, x) at 0", lambda x: sc.gammainc(1.0, x), 0.0, (1.0, -1.0)),
    ("P(2, x) at 0", lambda x: sc.gammainc(2.0, x), 0.0, (0.0, 1.0, -2.0)),
    ("ndtri at 1/2", sc.ndtri, 0.5, (np.sqrt(2 * np.pi), 0.0, (2 * np.pi) ** 1.5)),
    ("erfinv at 0", sc.erfinv, 0.0, (np.sqrt(np.pi) / 2, 0.0, np.pi**1.5 / 4)),
    ("dawsn at 0", sc.dawsn, 0.0, (1.0, 0.0, -4.0)),
    ("Voigt without width", lambda x: sc.voigt_profile(x, 0.0, 1.0), 0.5, (-0.64 / np.pi,)),
    ("entr at 0", sc.entr, 0.0, (np.inf,)),
    ("xlogy at (0, 0)", lambda y: sc.xlogy(0.0, y), 0.0, (0.0,)),
    ("kl_div at x = 0", lambda y: sc.kl_div(0.0, y), 0.0, (1.0,)),
    ("huber at its kink", lambda r: sc.huber(1.0, r), 1.0, (1.0,)),
    ("wofz at 0", lambda x: np.imag(sc.wofz(x)), 0.0, (2 / np.sqrt(np.pi), 0.0, -8 / np.sqrt(np.pi))),
    ("lambertw at 0", lambda x: np.real(sc.lambertw(x)), 0.0, (1.0, -2.0, 9.0)),
    ("diagonal of ive", lambda x: sc.ive(0.0, x), -2.0, (sc.i0e(2.0) - sc.i1e(2.0),)),
]  # fmt: skip


@pytest.mark.parametrize(("f", "x", "want"), [row[1:] for row in EDGES], ids=[row[0] for row in EDGES])
def test_edges(f: Any, x: float, want: tuple[float, ...]) -> None:
    for order, w in enumerate(want, 1):
        got = derivative(f, order)(np.array([x]))[0]
        np.testing.assert_allclose(got, w, rtol=1e-12, atol=1e-13, err_msg=f"order {order}")


@pytest.mark.parametrize(
    ("f", "x"),
    [
        (sc.log_ndtr, -40.0), (sc.log_ndtr, -1e4), (sc.erfcx, 50.0), (sc.erfcx, 1e8), (sc.dawsn, 1e8), (sc.expit, -800.0),
        (sc.expit, 800.0), (sc.log_expit, -800.0), (sc.i0e, 1e8), (sc.k0e, 1e8), (sc.gammaln, 1e300), (sc.gammaln, 1e-300),
        (sc.erf, 40.0), (lambda x: sc.gammainc(0.5, x), 1e4), (lambda x: sc.stdtr(3.0, x), 1e200), (sc.ndtr, 60.0),
    ],
)  # fmt: skip
def test_finite_far_out(f: Any, x: float) -> None:
    assert np.isfinite(elementwise_grad(f)(np.array([x]))[0])


def test_curvature_in_the_tail() -> None:
    """(ln Φ)″ = −λ(λ + x) with λ = φ/Φ: to first order −1 + 6/x²…, where the two cancel in all digits."""
    x = -1e3
    want = -1 + 1 / x**2 - 6 / x**4
    np.testing.assert_allclose(derivative(sc.log_ndtr, 2)(np.array([x]))[0], want, rtol=1e-9)


# ---- dtypes, and loading


def test_single_precision_stays() -> None:
    x = np.array([0.3, 0.6], np.float32)
    for f in (sc.erf, sc.gammaln, sc.ndtri, sc.ellipk, sc.spence, sc.k0e, lambda x: sc.xlogy(x, 2.0)):
        d = elementwise_grad(f)(x)
        assert d.dtype == np.float32
        np.testing.assert_allclose(d, elementwise_grad(f)(x.astype(float)), rtol=2e-6)


def test_out_and_where() -> None:
    def f(x: Any) -> Any:
        out = np.zeros(3)
        sc.erf(x, out=out, where=np.array([True, False, True]))
        return np.sum(out)

    x = np.array([0.1, 0.2, 0.3])
    np.testing.assert_allclose(grad(f)(x), 2 / np.sqrt(np.pi) * np.exp(-x * x) * [1, 0, 1], rtol=1e-15)


def run(program: str) -> str:
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    return done.stdout.strip()


def test_scipy_is_loaded_by_those_who_use_it() -> None:
    start = "import sys, numpy as np, wengert\nwengert.grad(lambda x: np.sum(np.tanh(x)))(np.ones(3))\n"
    assert run(f"{start}print('scipy.special' in sys.modules)") == "False"
    user = "import scipy.special as sc\nprint(wengert.grad(sc.ndtr)(0.0))"
    assert run(start + user) == run(f"import wengert\nimport wengert.scipy.special\n{user}") == "0.3989422804014327"


def test_a_name_that_this_scipy_does_not_have_makes_no_record() -> None:
    before = set(RECORDS)
    assert special("no_such", None, tex="") is flat_ufunc("no_such") is several("no_such") is None
    assert set(RECORDS) == before
