"""report_kinks: which element of which operation sat on a kink, where, and what stood in for the derivative."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

import wengert
from wengert import checkpoint, grad, nn, report_kinks
from wengert.transforms import Kink, Kinks
from wengert.transforms.kinks import BY_ELEMENT, OF_LENGTH, OF_MANY

X = np.array([0.0, 2.0, 2.0])
pytestmark = pytest.mark.filterwarnings("ignore::RuntimeWarning", "ignore::wengert.errors.FlatDerivativeWarning")

# record, function, point, index, value, subgradient
CASES: list[tuple[str, Any, Any, tuple[int, ...], tuple[float, ...], tuple[float, ...] | None]] = [
    ("absolute", np.abs, X, (0,), (0.0,), (0.0,)),
    ("maximum", lambda x: np.maximum(x, 2.0), X[:2], (1,), (2.0, 2.0), (0.5, 0.5)),
    ("minimum", lambda x: np.minimum(x, [0.0, 5.0]), X[:2], (0,), (0.0, 0.0), (0.5, 0.5)),
    ("fmax", lambda x: np.fmax(x, 0.0), X[:1], (0,), (0.0, 0.0), (0.5, 0.5)),
    ("fmin", lambda x: np.fmin(0.0, x), X[:1], (0,), (0.0, 0.0), (0.5, 0.5)),
    ("sqrt", np.sqrt, X, (0,), (0.0,), (np.inf,)),
    ("cbrt", np.cbrt, X, (0,), (0.0,), (np.inf,)),
    ("power", lambda x: x**0.75, X, (0,), (0.0, 0.75), (np.inf, 0.0)),
    ("float_power", lambda x: np.float_power(x, 0.75), X, (0,), (0.0, 0.75), (np.inf, 0.0)),
    ("arcsin", np.arcsin, np.array([0.5, 1.0]), (1,), (1.0,), (np.inf,)),
    ("arccos", np.arccos, np.array([-1.0, 0.5]), (0,), (-1.0,), (-np.inf,)),
    ("arccosh", np.arccosh, np.array([1.0, 2.0]), (0,), (1.0,), (np.inf,)),
    ("hypot", lambda x: np.hypot(x, 0.0), X, (0,), (0.0, 0.0), (0.0, 0.0)),
    ("arctan2", lambda x: np.arctan2(x, 0.0), X, (0,), (0.0, 0.0), (np.nan, np.nan)),
    ("copysign", lambda x: np.copysign(x, -1.0), X, (0,), (0.0, -1.0), (-0.0, 0.0)),
    ("sign", np.sign, X, (0,), (0.0,), (0.0,)),
    ("heaviside", lambda x: np.heaviside(x, 0.5), X, (0,), (0.0, 0.5), (0.0, 1.0)),
    ("floor", np.floor, np.array([0.5, 3.0]), (1,), (3.0,), (0.0,)),
    ("ceil", np.ceil, np.array([0.5, 3.0]), (1,), (3.0,), (0.0,)),
    ("trunc", np.trunc, np.array([0.5, 3.0]), (1,), (3.0,), (0.0,)),
    ("cast_to_integer", lambda x: x.astype(int), np.array([0.5, 3.0]), (1,), (3.0,), (0.0,)),
    ("rint", np.rint, np.array([0.3, 2.5]), (1,), (2.5,), (0.0,)),
    ("floor_divide", lambda x: x // 2.0, np.array([3.0, 4.0]), (1,), (4.0, 2.0), (0.0, 0.0)),
    ("remainder", lambda x: x % 2.0, np.array([3.0, 4.0]), (1,), (4.0, 2.0), (1.0, -2.0)),
    ("fmod", lambda x: np.fmod(x, 2.0), np.array([3.0, 4.0]), (1,), (4.0, 2.0), (1.0, -2.0)),
    ("greater", lambda x: np.where(x > 0, x, 0.1 * x), X, (0,), (0.0, 0.0), (0.0, 0.0)),
    ("greater_equal", lambda x: x * (x >= 0), X, (0,), (0.0, 0.0), (0.0, 0.0)),
    ("less", lambda x: x * (x < 0), X, (0,), (0.0, 0.0), (0.0, 0.0)),
    ("less_equal", lambda x: x * (x <= 0), X, (0,), (0.0, 0.0), (0.0, 0.0)),
    ("max", np.max, X, (), (2.0,), (0.5,)),
    ("min", lambda x: np.min(np.array([[1.0, x[0]], [x[0], 3.0]]), axis=1), np.array([3.0]), (1,), (3.0,), (0.5,)),
    ("argmax", lambda x: x[np.argmax(x)], X, (), (2.0,), None),
    ("argmin", lambda x: x[np.argmin(-x)], X, (), (-2.0,), None),
    ("argsort", np.sort, X, (), (2.0, 2.0), None),
    ("argpartition", lambda x: x[np.argpartition(x, 1)], X, (), (2.0, 2.0), None),
    ("partition_order", lambda x: np.partition(x, 1), X, (), (2.0, 2.0), None),
    ("running_max", np.maximum.accumulate, X, (2,), (2.0,), (0.5,)),
    ("searchsorted", lambda x: np.searchsorted([0.0, 1.0], x), X, (0,), (0.0,), (0.0,)),
    ("euclidean", lambda x: np.linalg.norm(x[:1]), X, (), (0.0,), (0.0,)),
]  # fmt: skip


@pytest.mark.parametrize(("record", "f", "x", "index", "value", "subgradient"), CASES, ids=[c[0] for c in CASES])
def test_kinks_are_found(record: str, f: Any, x: Any, index: Any, value: Any, subgradient: Any) -> None:
    (kink,) = report_kinks(f)(x)
    assert kink.index == index
    assert kink.value == value
    if subgradient is None:
        assert kink.subgradient is None
    else:
        np.testing.assert_array_equal(kink.subgradient, subgradient)
    assert kink.place[0] == __file__ or record in ("absolute", "sqrt")  # NumPy's own function is called from here
    assert kink.operation.startswith("np.")
    assert kink.why in str(kink)
    # beside the kink nothing is reported
    assert not report_kinks(f)(x + 0.123 * (1 + np.arange(x.size)))


def test_every_entry_has_a_case() -> None:
    assert {c[0] for c in CASES} == set(BY_ELEMENT) | OF_LENGTH | set(OF_MANY)


def test_near_a_kink() -> None:
    x = np.array([1e-9, 1.0])
    assert report_kinks(np.abs)(x) == []
    (kink,) = report_kinks(np.abs, tol=1e-8)(x)
    assert kink.value == (1e-9,)
    assert kink.subgradient == (1.0,)  # near it the derivative is what it is
    assert len(report_kinks(np.sort, tol=1e-3)(np.array([1.0, 1.0005, 2.0]))) == 1
    assert report_kinks(np.max, tol=1e-3)(np.array([1.0, 1.0005]))[0].subgradient == (0.5,)


def test_subgradients_are_what_the_derivative_takes() -> None:
    for f, x in ((np.abs, 0.0), (lambda x: np.maximum(x, 0.0), 0.0), (lambda x: np.hypot(x, 0.0), 0.0)):
        (kink,) = report_kinks(f)(x)
        assert kink.subgradient is not None
        assert kink.subgradient[0] == grad(f)(x)


def test_as_text() -> None:
    found = report_kinks(lambda x: np.abs(x))(np.array([1.0, -0.0, 0.0]))  # here
    assert isinstance(found, Kinks)
    assert all(isinstance(kink, Kink) for kink in found)
    first = str(found).split("\n")[:2]
    assert first[0] == "np.absolute(-0)[1]: a corner at 0; derivative taken: 0 (one of 2 such elements)"
    assert first[1].startswith(f"  at {__file__}:")
    assert first[1].endswith("# here")
    assert str(report_kinks(np.sin)(1.0)) == "on no kink"


def test_few_of_many_are_listed() -> None:
    found = report_kinks(lambda x: np.abs(x), most=3)(np.zeros(1000))
    assert [k.index for k in found] == [(0,), (1,), (2,)]
    assert found[0].count == 1000


def test_layers_medians_and_clips() -> None:
    assert [k.operation for k in report_kinks(lambda x: np.sum(nn.relu(x)))(X)] == ["np.greater"]
    assert [k.operation for k in report_kinks(lambda x: np.clip(x, 0.0, 1.0))(X)] == ["np.maximum"]
    assert "np.argsort" in {k.operation for k in report_kinks(np.median)(X)}


def test_trees_numbers_and_constants() -> None:
    found = report_kinks(lambda p, n, *, flag: abs(p["a"]) * n + np.sum(np.abs(p["b"])) * flag)(
        {"a": 0.0, "b": np.zeros((1, 2), np.float32)}, 3, flag=np.ones(1)
    )
    assert [k.index for k in found] == [(), (0, 0), (0, 1)]
    # what does not depend on the arguments is not looked at
    assert report_kinks(lambda x: x + np.abs(np.zeros(3)))(X) == []


def test_other_transforms_inside() -> None:
    found = report_kinks(lambda x: grad(lambda v: np.sum(np.abs(v)))(x))(X)
    assert found[0].operation == "np.absolute"
    found = report_kinks(wengert.vmap(np.abs))(X)
    assert found[0].index == (0,)
    assert report_kinks(checkpoint(np.abs))(X)[0].operation == "np.absolute"


def test_empty_arrays_and_nans() -> None:
    assert report_kinks(lambda x: np.sum(np.sort(x)) + np.sum(np.abs(x)))(np.zeros(0)) == []
    assert report_kinks(lambda x: np.max(np.abs(x)))(np.array([np.nan, 1.0])) == []
    assert report_kinks(lambda x: np.maximum(x, np.inf))(np.array([np.inf]))[0].subgradient == (0.5, 0.5)
