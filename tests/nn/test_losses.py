"""Losses against scikit-learn, SciPy and closed forms; derivatives against p − y and its kin."""

import warnings

import numpy as np
import pytest
from scipy import special
from sklearn import metrics

from wengert import nn
from wengert.errors import DataError, FlatDerivativeWarning, ShapeError
from wengert.transforms import grad

N, K = 12, 4


@pytest.fixture
def logits(rng):
    return rng.normal(size=(N, K)) * 3


@pytest.fixture
def labels(rng):
    return rng.integers(0, K, N)


def one_hot(labels):
    return np.eye(K)[labels]


def test_regression_losses(rng):
    o, t = rng.normal(size=(N, 2)), rng.normal(size=(N, 2))
    assert nn.mse(o, t) == pytest.approx(metrics.mean_squared_error(t, o))
    assert nn.mae(o, t) == pytest.approx(metrics.mean_absolute_error(t, o))
    assert nn.half_sse(o, t) == pytest.approx(0.5 * ((o - t) ** 2).sum())
    assert nn.huber(o, t, 0.7) == pytest.approx(special.huber(0.7, o - t).mean())


def test_regression_gradients(rng):
    o, t = rng.normal(size=(N, 2)), rng.normal(size=(N, 2))
    np.testing.assert_allclose(grad(nn.mse)(o, t), 2 * (o - t) / o.size, rtol=1e-13)
    np.testing.assert_allclose(grad(nn.half_sse)(o, t), o - t, rtol=1e-13)
    np.testing.assert_allclose(grad(nn.mae)(o, t), np.sign(o - t) / o.size, rtol=1e-13)
    np.testing.assert_allclose(grad(lambda o: nn.huber(o, t, 0.7))(o), np.clip(o - t, -0.7, 0.7) / o.size, rtol=1e-13)
    assert grad(nn.mae)(t, t).tolist() == np.zeros((N, 2)).tolist()


def test_targets_of_one_column_do_not_broadcast(rng):
    o, t = rng.normal(size=(N, 1)), rng.normal(size=N)
    for loss in (nn.mse, nn.mae, nn.half_sse, nn.huber, nn.binary_cross_entropy_with_logits):
        assert loss(o, t) == pytest.approx(loss(o, t[:, None]))
        assert loss(o[:, 0], t[:, None]) == pytest.approx(loss(o, t[:, None]))
    with pytest.raises(ShapeError, match=r"outputs have shape \(12, 1\) and targets \(11,\)"):
        nn.mse(o, t[:-1])
    with pytest.raises(ShapeError, match=r"outputs have shape \(12, 2\) and targets \(12,\)"):
        nn.mse(np.hstack([o, o]), t)


def test_binary_cross_entropy(rng):
    z, t = rng.normal(size=N), rng.integers(0, 2, N)
    p = special.expit(z)
    expected = metrics.log_loss(t, p)
    assert nn.binary_cross_entropy(p, t) == pytest.approx(expected)
    assert nn.binary_cross_entropy_with_logits(z, t) == pytest.approx(expected)
    np.testing.assert_allclose(grad(nn.binary_cross_entropy_with_logits)(z, t), (p - t) / N, rtol=1e-12)
    np.testing.assert_allclose(grad(nn.binary_cross_entropy)(p, t), (p - t) / (p * (1 - p)) / N, rtol=1e-12)


def test_k_class_binary_cross_entropy_is_the_sum_of_k(logits, labels):
    p, t = special.expit(logits), one_hot(labels)
    expected = sum(metrics.log_loss(t[:, k], p[:, k], labels=[0, 1]) for k in range(K))
    assert nn.k_class_binary_cross_entropy(p, labels) == pytest.approx(expected)
    assert nn.k_class_binary_cross_entropy(p, t) == pytest.approx(expected)
    np.testing.assert_allclose(
        grad(nn.k_class_binary_cross_entropy)(p, labels), (p - t) / (p * (1 - p)) / N, rtol=1e-12
    )


def test_cross_entropies_agree_with_scikit_learn(logits, labels):
    p = special.softmax(logits, axis=1)
    expected = metrics.log_loss(labels, p, labels=range(K))
    for targets in (
        labels,
        labels.astype(np.uint8),
        labels[:, None],
        one_hot(labels),
        one_hot(labels).astype(int),
    ):
        assert nn.categorical_cross_entropy(p, targets) == pytest.approx(expected)
        assert nn.softmax_cross_entropy(logits, targets) == pytest.approx(expected)


def test_fused_derivative_is_p_minus_y(logits, labels):
    p, y = special.softmax(logits, axis=1), one_hot(labels)
    np.testing.assert_allclose(grad(nn.softmax_cross_entropy)(logits, labels), (p - y) / N, atol=1e-16)
    np.testing.assert_allclose(grad(nn.softmax_cross_entropy)(logits, y), (p - y) / N, atol=1e-16)
    np.testing.assert_allclose(grad(nn.categorical_cross_entropy)(p, labels), -y / p / N, rtol=1e-12)


def test_fused_takes_soft_rows(logits, rng):
    soft = rng.random((N, K))  # rows that do not add up to 1
    p = special.softmax(logits, axis=1)
    assert nn.softmax_cross_entropy(logits, soft) == pytest.approx(-(soft * np.log(p)).sum() / N)
    expected = (p * soft.sum(axis=1, keepdims=True) - soft) / N
    np.testing.assert_allclose(grad(nn.softmax_cross_entropy)(logits, soft), expected, atol=1e-15)


def test_fused_second_derivative(logits, labels):
    p = special.softmax(logits, axis=1)
    v = np.linspace(-1, 1, N * K).reshape(N, K)
    found = grad(lambda z: np.sum(grad(nn.softmax_cross_entropy)(z, labels) * v))(logits)
    np.testing.assert_allclose(found, p * (v - (p * v).sum(axis=1, keepdims=True)) / N, atol=1e-15)


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_fused_is_finite_at_a_thousand(dtype):
    z = np.array([[1000.0, -1000.0, 0.0], [1000.0, -1000.0, 0.0]], dtype)
    labels = np.array([0, 1])
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        value, gradient = nn.softmax_cross_entropy(z, labels), grad(nn.softmax_cross_entropy)(z, labels)
    assert value == 1000.0
    assert value.dtype == gradient.dtype == dtype
    np.testing.assert_array_equal(gradient, [[0, 0, 0], [0.5, -0.5, 0]])


def test_fused_lets_a_masked_class_be_minus_infinity():
    z = np.array([[0.0, -np.inf, 0.0]])
    assert nn.softmax_cross_entropy(z, np.array([0])) == pytest.approx(np.log(2))
    np.testing.assert_allclose(grad(nn.softmax_cross_entropy)(z, np.array([0])), [[-0.5, 0, 0.5]])


def test_binary_with_logits_is_finite_at_a_thousand():
    z, t = np.array([1000.0, -1000.0]), np.array([0, 0])
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        assert nn.binary_cross_entropy_with_logits(z, t) == 500.0
        assert grad(nn.binary_cross_entropy_with_logits)(z, t).tolist() == [0.5, 0.0]


def test_probabilities_of_zero_cost_much_and_not_infinity():
    assert nn.binary_cross_entropy(np.array([0.0, 1.0]), np.array([0, 1])) == pytest.approx(0, abs=1e-15)
    for loss in (nn.binary_cross_entropy, nn.k_class_binary_cross_entropy, nn.categorical_cross_entropy):
        p, t = np.array([[0.0, 1.0]]), np.array([[1, 0]])
        assert 30 < loss(p, t) < 100
        assert np.isfinite(grad(loss)(p, t)).all()


@pytest.mark.parametrize(
    "loss",
    [
        nn.mse, nn.half_sse, nn.mae, nn.huber, nn.binary_cross_entropy, nn.binary_cross_entropy_with_logits,
        nn.k_class_binary_cross_entropy, nn.categorical_cross_entropy, nn.softmax_cross_entropy,
    ],
)  # fmt: skip
def test_float32_stays_whatever_the_targets_are(loss):
    o = np.array([[0.2, 0.3], [0.5, 0.1]], np.float32)
    for targets in (np.eye(2), np.eye(2, dtype=np.int64)):
        assert loss(o, targets).dtype == np.float32
        assert grad(loss)(o, targets).dtype == np.float32


def test_accuracy(logits, labels):
    expected = metrics.accuracy_score(labels, logits.argmax(axis=1))
    assert nn.accuracy(logits, labels) == pytest.approx(expected)
    assert nn.accuracy(logits, one_hot(labels)) == pytest.approx(expected)
    binary = np.array([0, 1, 1, 0])
    assert nn.accuracy(np.array([-1.0, 2.0, -3.0, 0.5]), binary) == 0.5
    assert nn.accuracy(np.array([[0.1], [0.9], [0.8], [0.2]]), binary, threshold=0.5) == 1.0


def test_accuracy_has_no_useful_derivative_and_says_so(logits, labels):
    with pytest.warns(FlatDerivativeWarning):
        assert not grad(nn.accuracy)(logits, labels).any()


@pytest.mark.parametrize(
    ("targets", "error", "text"),
    [
        (np.zeros(3, int), ShapeError, r"outputs have shape \(2, 4\) and targets \(3,\): give 2 labels"),
        (np.zeros(2), DataError, r"dtype float64: targets\.astype\(int\)"),
        (np.array([0, 4]), DataError, "labels run from 0 to 4.*needs 5 outputs"),
        (np.array([-1, 0]), DataError, "labels run from -1 to 0.*number them from 0"),
        (np.array(["a", "b"]), DataError, "dtype <U1"),
    ],
)
def test_labels_that_do_not_fit(targets, error, text):
    for loss in (nn.softmax_cross_entropy, nn.categorical_cross_entropy, nn.k_class_binary_cross_entropy):
        with pytest.raises(error, match=text):
            loss(np.full((2, 4), 0.25), targets)


def test_outputs_that_are_no_rows():
    with pytest.raises(ShapeError, match=r"outputs\[None, :\]"):
        nn.softmax_cross_entropy(np.zeros(4), np.array(0))
