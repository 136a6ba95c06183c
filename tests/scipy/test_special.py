"""wengert.scipy.special: SciPy's own on plain arrays, differentiable on traced ones; and what points there."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
import scipy.fft
import scipy.linalg
import scipy.special as sc
import scipy.stats
from tests.frontend._harness import Case, check

import wengert
from wengert import EscapeError, UnsupportedError, grad, make_program, vmap
from wengert.scipy import special

X = np.array([[0.3, 1.2, -0.4], [0.9, -1.1, 0.5]])
P = np.array([0.6, 1.7, 3.4])
B = np.array([1.0, -0.4, 2.0])
pytestmark = pytest.mark.filterwarnings("ignore::RuntimeWarning")

CASES: dict[str, tuple[Any, ...]] = {
    "logsumexp": (
        special.logsumexp, lambda x: special.logsumexp(x, axis=0), lambda x: special.logsumexp(x, axis=(0, 1), keepdims=True),
        lambda x: special.logsumexp(x, axis=-1, b=np.abs(B)), lambda x: special.logsumexp(x, axis=1, keepdims=True),
        lambda x: special.logsumexp(x, axis=1, b=B, return_sign=True)[0], lambda x: special.logsumexp(X, b=x * x),
        lambda x: special.logsumexp(x[0, 0]), lambda x: special.logsumexp(np.zeros(3), b=x[0]),
    ),
    "softmax": (special.softmax, lambda x: special.softmax(x, axis=0), lambda x: special.softmax(x, axis=(0, 1))),
    "log_softmax": (special.log_softmax, lambda x: special.log_softmax(x, axis=1), lambda x: special.log_softmax(50 * x)),
    "sinc": (special.sinc,), "softplus": (special.softplus,) if hasattr(sc, "softplus") else (),
    "diric": (lambda x: special.diric(x, 4), lambda x: special.diric(x, np.array([1, 2, 5]))),
    "spherical": (
        *(lambda x, f=f: f(2, x) for f in (special.spherical_jn, special.spherical_yn)),
        *(lambda x, f=f: f(np.array([0, 1, 3]), x) for f in (special.spherical_in, special.spherical_kn)),
        *(lambda x, f=f: f(np.array([0, 1, 3]), x, True) for f in (special.spherical_jn, special.spherical_yn)),
        *(lambda x, f=f: f(2, x, derivative=True) for f in (special.spherical_in, special.spherical_kn)),
    ),
}  # fmt: skip
POSITIVE: dict[str, tuple[Any, ...]] = {
    "polygamma": (lambda x: special.polygamma(2, x), lambda x: special.polygamma(np.array([0, 1, 3]), x)),
    "multigammaln": (lambda x: special.multigammaln(x + 1, 3),),
    "comb": (lambda x: special.comb(5.5, x), lambda x: special.comb(x + 4, 2.0, repetition=True)),
    "perm": (lambda x: special.perm(x + 4, x), lambda x: special.perm(2.0, x)),
    "factorial": (special.factorial, lambda x: special.factorial(x - 2.2)),
    "derivatives": tuple(
        lambda x, f=f, n=n: f(1, x, n) for f in (special.jvp, special.yvp, special.ivp, special.kvp) for n in (0, 1, 3)
    ),
    "ufuncs": (special.gammaln, lambda x: special.zeta(x + 1), lambda x: special.zeta(x + 1, 2.0), special.digamma),
}  # fmt: skip


def cases() -> list[Any]:
    rows: list[Any] = []
    for table, x in ((CASES, X), (POSITIVE, P)):
        rows += [Case(f"{name}-{k}", f, (x,)) for name, fs in table.items() for k, f in enumerate(fs)]
    return rows


@pytest.mark.parametrize("case", cases(), ids=lambda case: case.label)
def test_function(case: Case) -> None:
    """Value, both modes, second order, batching and staging, as every function of NumPy's is tried."""
    check(case)


def test_plain_arrays_get_scipys_own() -> None:
    for f, g in (
        (special.logsumexp, sc.logsumexp),
        (special.softmax, sc.softmax),
        (special.log_softmax, sc.log_softmax),
    ):
        np.testing.assert_array_equal(f(X, axis=1), g(X, axis=1))
    assert special.comb(5, 2, exact=True) == 10
    assert special.erf is sc.erf
    assert special.errstate is sc.errstate
    np.testing.assert_array_equal(special.roots_legendre(3), sc.roots_legendre(3))


@pytest.mark.parametrize("name", sorted(special.RULES))
def test_rules_are_scipys_names(name: str) -> None:
    assert hasattr(sc, name)
    assert getattr(special, name).__doc__


def test_arrays_made_inside_stay_constants() -> None:
    def f(x: Any) -> Any:
        w = np.linspace(0.0, 1.0, 3)
        return np.sum(special.softmax(w) * x) + special.logsumexp(w) + np.sum(special.stirling2(4, np.array([1, 2])))

    np.testing.assert_allclose(grad(f)(P), sc.softmax(np.linspace(0.0, 1.0, 3)), rtol=1e-15)


def test_log_of_little() -> None:
    """What the smaller terms add is not lost beside the largest: log(1 + e^-40)."""
    a = np.array([0.0, -40.0])
    value, d = wengert.value_and_grad(special.logsumexp)(a)
    np.testing.assert_allclose(value, np.exp(-40.0), rtol=1e-14)
    np.testing.assert_allclose(d, [1.0, np.exp(-40.0)], rtol=1e-14)


@pytest.mark.parametrize("a", [[-np.inf, 0.0], [1e4, 0.0, -1e4], [-np.inf, 1.0, 1.0]])
def test_logsumexp_far_out(a: Any) -> None:
    value, d = wengert.value_and_grad(special.logsumexp)(np.array(a))
    np.testing.assert_allclose(value, sc.logsumexp(a), rtol=1e-15)
    np.testing.assert_allclose(d, sc.softmax(a), rtol=1e-15)


@pytest.mark.parametrize("a", [[-np.inf, -np.inf], [np.inf, 1.0], [np.nan, 1.0]])
def test_logsumexp_of_what_is_not_finite(a: Any) -> None:
    value = wengert.vjp(special.logsumexp, np.array(a))[0]
    np.testing.assert_equal(value, sc.logsumexp(a))


@pytest.mark.parametrize("signs", [[1.0, -3.0, 0.5], [-1.0, -1.0, -1.0], [0.0, 1.0, 2.0], [1.0, -1.0, 0.0]])
def test_signs(signs: list[float]) -> None:
    a, b = np.array([0.4, 0.4, 1.0]), np.array(signs)
    got = wengert.vjp(lambda a: special.logsumexp(a, b=b, return_sign=True), a)[0]
    np.testing.assert_allclose(got, sc.logsumexp(a, b=b, return_sign=True), rtol=1e-14, atol=1e-15)
    plain = wengert.vjp(lambda a: special.logsumexp(a, b=b), a)[0]
    np.testing.assert_allclose(plain, sc.logsumexp(a, b=b), rtol=1e-14, atol=1e-15)


def test_complex_logsumexp() -> None:
    z = np.array([0.3 + 1j, -0.2 + 2j])
    value, pullback = wengert.vjp(special.logsumexp, z)
    np.testing.assert_allclose(value, sc.logsumexp(z), rtol=1e-14)
    np.testing.assert_allclose(pullback(np.complex128(1))[0], np.exp(z - value), rtol=1e-14)


@pytest.mark.skipif(not hasattr(sc, "sph_harm_y"), reason="SciPy 1.15 has it")
def test_harmonics() -> None:
    def f(theta: Any, phi: Any) -> Any:
        y = special.sph_harm_y(np.array([1, 2, 3]), np.array([0, -1, 3]), theta, phi)
        return np.sum(np.real(y) * B) + np.sum(np.imag(y) ** 2)

    wengert.check_grads(f, (np.array([0.4, 1.3, 2.5]), np.array([0.3, -2.0, 1.0])), order=2)
    # at the pole, where m cot θ is infinite
    at_pole = grad(lambda t: np.real(special.sph_harm_y(1, 1, t, 0.0)))(0.0)
    np.testing.assert_allclose(at_pole, -np.sqrt(3 / (8 * np.pi)), rtol=1e-14)


@pytest.mark.skipif(not hasattr(sc, "legendre_p"), reason="SciPy 1.15 has it")
def test_legendre_p() -> None:
    np.testing.assert_allclose(grad(lambda x: special.legendre_p(3, x))(0.3), 7.5 * 0.09 - 1.5, rtol=1e-14)
    with pytest.raises(UnsupportedError, match="diff_n="):
        grad(lambda x: special.legendre_p(3, x, diff_n=1))(0.3)


def test_lambertw() -> None:
    np.testing.assert_allclose(
        grad(lambda x: np.real(special.lambertw(x, -1)))(-0.2),
        1 / (np.exp(sc.lambertw(-0.2, -1)).real - 0.2), rtol=1e-14,
    )  # fmt: skip


# ---- what is refused


@pytest.mark.parametrize(
    ("f", "said"),
    [
        (lambda x: special.stirling2(x, 2), r"scipy\.special\.stirling2 has no derivative rule"),
        (lambda x: special.comb(x, 2, exact=True), "exact=True counts in whole numbers"),
        (lambda x: special.factorial(x, exact=True), "exact=True counts in whole numbers"),
        (lambda x: special.perm(x, 2, exact=True), "exact=True counts in whole numbers"),
        (lambda x: special.polygamma(x, 1.0), "polygamma has no derivative in n"),
        (lambda x: special.spherical_jn(x, 1.0), "spherical_jn has no derivative in n"),
        (lambda x: special.ellip_harm(5, 8, 1, 1, x), r"scipy\.special\.ellip_harm has no derivative rule"),
    ],
)
def test_refusals(f: Callable[..., Any], said: str) -> None:
    with pytest.raises(UnsupportedError, match=said):
        grad(f)(2.0)


def test_bad_input_is_scipys() -> None:
    with pytest.raises(ValueError, match="must be greater than"):
        grad(lambda a: special.multigammaln(a, 3))(0.5)
    with pytest.raises(ValueError, match="whole number"):
        grad(lambda x: special.jvp(1, x, -1))(0.5)
    with pytest.raises(ValueError, match="cannot be broadcast"):
        grad(lambda x: np.sum(special.logsumexp(x, b=np.ones(4))))(np.ones(3))


def test_unknown_names() -> None:
    with pytest.raises(AttributeError):
        _ = special.no_such_function
    with pytest.raises(AttributeError, match=r"wengert\.scipy"):
        _ = wengert.scipy.no_such_part
    assert "logsumexp" in dir(special)
    assert dir(wengert.scipy) == ["fft", "linalg", "special"]


# ---- plain SciPy, called with a traced value


@pytest.mark.parametrize(
    ("f", "instead"),
    [
        (lambda x: sc.logsumexp(x), r"wengert\.scipy\.special\.logsumexp\("),
        (lambda x: sc.spherical_jn(1, x), r"wengert\.scipy\.special\.spherical_jn\("),
        (lambda x: scipy.linalg.expm(np.outer(x, x)), r"wengert\.scipy\.linalg\.expm\("),
        (lambda x: scipy.fft.rfft(x), r"wengert\.scipy\.fft\.rfft\("),
    ],
)
def test_the_namesake_is_named(f: Callable[..., Any], instead: str) -> None:
    for transform in (lambda: grad(lambda x: np.sum(np.real(f(x))))(P), lambda: vmap(f)(X), lambda: make_program(f)(P)):
        with pytest.raises((EscapeError, UnsupportedError), match=instead) as error:
            transform()
        assert "test_special.py" in str(error.value)


def test_other_libraries_are_not_confused_with_it() -> None:
    with pytest.raises(EscapeError, match="would become a plain array"):
        grad(lambda x: np.sum(scipy.stats.norm.logpdf(x)))(P)
