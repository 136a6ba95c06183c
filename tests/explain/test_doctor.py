"""The doctor's numbers against closed forms and NumPy; one illness at a time; what it makes of bad input."""

import functools
from dataclasses import dataclass
from typing import Any

import numpy as np
import pytest

import wengert
from wengert import nn, optim, random
from wengert.errors import DataError, ModelError
from wengert.explain.doctor import thresholds
from wengert.explain.doctor.case import Case, see
from wengert.explain.doctor.heads import loss_kind
from wengert.explain.doctor.rate import first_step, probe

CE = nn.softmax_cross_entropy


def relu(z):
    return np.maximum(z, 0)


def normal(seed, *shape):
    return random.normal(random.key(seed), shape)


def two_layers(activation):
    return nn.Sequential([nn.Dense(normal(1, 3, 5), normal(2, 5)), activation, nn.Dense(normal(3, 5, 2), normal(4, 2))])


# ---- layers: against backpropagation by hand


def test_scale_and_flow_are_those_of_backpropagation_by_hand():
    model, x, y = two_layers(nn.tanh), normal(5, 40, 3), normal(6, 40, 2)
    hidden, output = see(model, x, y, nn.mse).looks
    W1, b1, W2, b2 = model[0].weight, model[0].bias, model[2].weight, model[2].bias
    s1 = x @ W1 + b1
    s2 = np.tanh(s1) @ W2 + b2
    d2 = 2 * (s2 - y) / s2.size
    d1 = d2 @ W2.T * (1 - np.tanh(s1) ** 2)
    assert (hidden.layer, hidden.label, output.layer, output.label) == ("layers[0]", "hidden 1", "layers[2]", "output")
    assert hidden.activation == "tanh"
    np.testing.assert_allclose([hidden.scale, output.scale], [np.sqrt(np.mean(s**2)) for s in (s1, s2)], rtol=1e-12)
    np.testing.assert_allclose([hidden.flow, output.flow], [np.linalg.norm(d) for d in (d1, d2)], rtol=1e-12)
    gradient = np.hypot(np.linalg.norm(x.T @ d1), np.linalg.norm(d1.sum(axis=0)))
    np.testing.assert_allclose(hidden.gradient, gradient, rtol=1e-12)
    np.testing.assert_allclose(hidden.weight, np.hypot(np.linalg.norm(W1), np.linalg.norm(b1)), rtol=1e-12)


def test_dead_relus_are_counted():
    model = nn.Sequential([nn.Dense(np.eye(4), np.array([0.0, -99.0, -99.0, 0.0])), nn.relu, nn.Dense(np.ones((4, 1)))])
    look = see(model, normal(1, 50, 4), normal(2, 50), nn.mse).looks[0]
    assert (look.activation, look.dead) == ("relu", 0.5)


@pytest.mark.parametrize(("f", "kind", "end"), [(nn.tanh, "tanh", 3.0), (nn.sigmoid, "sigmoid", 6.0)])
def test_flat_responses_are_counted(f, kind, end):
    z = np.linspace(-2 * end, 2 * end, 401)[:, None]
    model = nn.Sequential([nn.Dense(np.eye(1)), f, nn.Dense(np.ones((1, 1)))])
    look = see(model, z, np.zeros((401, 1)), nn.mse).looks[0]
    slope = (1 / np.cosh(z)) ** 2 if kind == "tanh" else 1 / np.cosh(z / 2) ** 2  # against the steepest, in closed form
    assert look.activation == kind
    assert look.flat == np.mean(slope < thresholds.FLAT)


@pytest.mark.parametrize(
    ("f", "kind"),
    [
        (lambda z: np.maximum(0.0, z), "relu"),
        (lambda z: np.where(z > 0, z, 0.0), "relu"),
        (lambda z: 1 / (1 + np.exp(-z)), "sigmoid"),
        (lambda z: 2 * nn.sigmoid(2 * z) - 1, "tanh"),
        (nn.elu, ""),
        (nn.gelu, ""),
    ],
)
def test_an_activation_is_known_by_what_it_computes(f, kind):
    assert see(two_layers(f), normal(5, 40, 3), normal(6, 40, 2), nn.mse).looks[0].activation == kind


def test_layers_of_a_class_of_ones_own_are_seen():
    @dataclass(frozen=True)
    class Mine:
        W: Any
        c: Any
        v: Any

        def __call__(self, x, *, key=None, training=False):
            return np.maximum(x @ self.W + self.c, 0) @ self.v

    found = wengert.diagnose(
        Mine(normal(1, 3, 8), np.full(8, -50.0), normal(2, 8, 1)), (normal(3, 60, 3), normal(4, 60)), nn.mse
    )
    assert [look.layer for look in found.looks] == ["W", "v"]
    assert found["dead_relus"].layer == "W"


def test_dropped_units_are_not_dead():
    model = nn.mlp(random.key(0), [4, 50, 2], dropout=0.6)
    x = normal(1, 60, 4)
    assert see(model, x, (x[:, 0] > 0).astype(int), CE).looks[0].dead < 0.1


def test_what_batch_norm_remembers_is_no_layer():
    model = nn.Sequential([nn.Dense(normal(1, 4, 6)), nn.BatchNorm.init(6), nn.relu, nn.Dense(normal(2, 6, 2))])
    looks = see(model, normal(3, 60, 4), np.arange(60) % 2, CE).looks
    assert [(look.layer, look.activation) for look in looks] == [
        ("layers[0]", ""),
        ("layers[1]", "relu"),
        ("layers[3]", ""),
    ]
    np.testing.assert_allclose(looks[1].scale, 1, rtol=1e-4)  # scale 1 and shift 0


def test_a_zero_head_alone_is_no_illness():
    x = normal(1, 100, 4)
    hidden, head = nn.Dense.init(random.key(0), 4, 16, "he_normal"), nn.Dense(np.zeros((16, 2)), np.zeros(2))
    found = wengert.diagnose(nn.Sequential([hidden, nn.relu, head]), (x, (x[:, 0] > x[:, 1]).astype(int)), CE)
    assert found.healthy, str(found)


# ---- the learning rate: a parabola, whose curvature is known


@pytest.mark.parametrize("make", [optim.sgd, functools.partial(optim.momentum, decay=0.9)])
def test_curvature_along_the_gradient_is_the_rayleigh_quotient(make):
    x, y = normal(1, 64, 3), normal(2, 64)
    model = nn.Sequential([nn.Dense(normal(3, 3, 1))])
    H = 2 * x.T @ x / 64
    g = 2 * x.T @ (x @ model[0].weight - y[:, None]) / 64
    case = Case(model, x, y, nn.mse, optimizer=make(0.05))
    first = first_step(case, model, case.optimizer)
    np.testing.assert_allclose(first.curvature, 0.05 * ((g.T @ H @ g) / (g.T @ g)).item(), rtol=1e-10)
    np.testing.assert_allclose(first.ratio, 0.05 * np.linalg.norm(g) / np.linalg.norm(model[0].weight), rtol=1e-10)
    assert first.decay == 0


def test_the_first_update_of_adam_is_its_rate_in_each_weight():
    case = Case(two_layers(nn.tanh), normal(5, 40, 3), normal(6, 40, 2), nn.mse, optimizer=optim.adam(0.01))
    size = np.sqrt(sum(np.sum(np.square(leaf)) for leaf in wengert.pytree.leaves(case.model)))
    first = first_step(case, case.model, case.optimizer)
    np.testing.assert_allclose(first.ratio, 0.01 * np.sqrt(nn.count_parameters(case.model)) / size, rtol=1e-4)


def test_decay_is_told_from_the_gradient():
    model = nn.Sequential([nn.Dense(normal(3, 3, 1))])
    x, y = normal(1, 64, 3), normal(2, 64)
    optimizer = optim.chain(optim.add_decayed_weights(0.25), optim.sgd(0.1))
    g = 2 * x.T @ (x @ model[0].weight - y[:, None]) / 64
    expected = 0.25 * np.linalg.norm(model[0].weight) / np.linalg.norm(g)
    first = first_step(Case(model, x, y, nn.mse), model, optimizer)
    np.testing.assert_allclose(first.decay, expected, rtol=1e-10)


@pytest.mark.parametrize(("times", "ill"), [(0.9, False), (1.1, True)])
def test_a_rate_is_too_high_beyond_two_over_the_curvature(times, ill):
    """On a parabola steps converge up to η = 2/λ and diverge beyond it."""
    x = normal(1, 64, 1)
    curvature = float(2 * np.mean(x**2))
    model = nn.Sequential([nn.Dense(np.array([[3.0]]))])
    found = wengert.diagnose(model, (x, 0 * x), nn.mse, learning_rate=times * 2 / curvature)
    assert ("learning_rate_too_high" in found.illnesses) == ill


def test_the_probe_is_gradient_descent():
    x, y, w = normal(1, 64, 1), normal(2, 64, 1), 2.0
    case = Case(nn.Sequential([nn.Dense(np.array([[w]]))]), x, y, nn.mse, optimizer=optim.sgd(0.1))
    expected = []
    for _ in range(4):
        expected.append(np.mean((x * w - y) ** 2))
        w -= 0.05 * np.mean(2 * x * (x * w - y))
    np.testing.assert_allclose(probe(case, case.model, 0.5, steps=3), expected, rtol=1e-12)


def test_a_loss_below_zero_is_no_illness():
    x = normal(1, 100, 3)
    counts = np.random.default_rng(0).poisson(np.exp(1 + 0.5 * x[:, 0])).astype(float)
    poisson = lambda z, n: np.mean(np.exp(z[:, 0]) - n * z[:, 0])
    found = wengert.diagnose(nn.mlp(random.key(0), [3, 16, 1]), (x, counts), poisson, optimizer=optim.adam(1e-3))
    assert "learning_rate_too_high" not in found.illnesses


# ---- losses


@pytest.mark.parametrize(
    ("loss", "outputs", "y", "kind"),
    [
        (CE, normal(1, 20, 3), np.arange(20) % 3, "softmax"),
        (lambda o, t: 3 * CE(o, t), normal(1, 20, 3), np.eye(3)[np.arange(20) % 3], "softmax"),
        (nn.binary_cross_entropy_with_logits, normal(1, 20, 1), np.arange(20) % 2, "sigmoid"),
        (nn.mse, normal(1, 20, 2), normal(2, 20, 2), "squares"),
        (nn.half_sse, normal(1, 20, 1), normal(2, 20), "squares"),
        (nn.mae, normal(1, 20, 1), normal(2, 20), ""),
        (nn.huber, 9 * normal(1, 20, 1), normal(2, 20), ""),
    ],
)
def test_a_loss_is_known_by_its_gradient(loss, outputs, y, kind):
    gradient = wengert.grad(lambda o: loss(o, y))(outputs)
    assert loss_kind(outputs, gradient, y) == kind


def test_a_sigmoid_with_squares_is_let_pass():
    x = normal(1, 100, 4)
    found = wengert.diagnose(
        nn.mlp(random.key(0), [4, 8, 1], "tanh", output="sigmoid"), (x, (x[:, 0] > x[:, 1]) * 1), nn.mse
    )
    assert found.healthy, str(found)


# ---- data


def regression(n=300, width=4, seed=0):
    x = normal(seed, n, width)
    return x, x @ normal(seed + 1, width) + 0.3 * normal(seed + 2, n)


def on_data(x, y, **more):
    outputs = int(y.max()) + 1 if y.dtype.kind == "i" else 1
    return wengert.diagnose(
        nn.mlp(random.key(0), [x.shape[1], 8, outputs]), (x, y), CE if outputs > 1 else nn.mse, **more
    )


def test_a_feature_of_another_scale_is_named_with_its_numbers():
    x, y = regression()
    x[:, 2] = 40 + 3 * x[:, 2]
    finding = on_data(x, y, features=["age", "size", "weight", "sex"])["unscaled_inputs"]
    assert finding.feature == "weight"
    np.testing.assert_allclose(finding.numbers["rms"], np.sqrt(np.mean(x[:, 2] ** 2)))
    np.testing.assert_allclose(finding.numbers["offset"], abs(x[:, 2].mean()) / x[:, 2].std())


def test_the_remedy_for_unscaled_inputs_heals():
    x, y = regression()
    x[:, 2] = 40 + 3 * x[:, 2]
    names: dict[str, Any] = {"x": x}
    exec(on_data(x, y)["unscaled_inputs"].remedy, names)  # noqa: S102 - the remedy is code
    assert on_data(names["x"], y).healthy


def test_the_remedy_for_imbalance_heals():
    x = normal(1, 2000, 3)
    y = (x[:, 0] + x[:, 1] > 2.6).astype(int)
    finding = on_data(x, y)["imbalanced_labels"]
    assert finding.numbers["least"] == y.sum()
    names: dict[str, Any] = {"x": x, "y": y, "np": np}
    exec(finding.remedy, names)  # noqa: S102 - the remedy is code
    assert "imbalanced_labels" not in on_data(names["x"], names["y"]).illnesses


def test_a_leak_through_a_function_of_a_feature_is_found_and_a_good_feature_is_none():
    x, y = regression()
    y = y + normal(7, len(y))
    leak = np.column_stack([x, np.arcsinh(y)])
    finding = on_data(leak, y)["target_leakage"]
    assert (finding.feature, finding.remedy) == ("feature 4", "x = np.delete(x, 4, axis=1)")
    noisy = np.column_stack([x, y + 0.5 * normal(9, len(y))])
    assert "target_leakage" not in on_data(noisy, y).illnesses


def test_two_good_features_do_not_leak():
    x, y = regression()
    assert "target_leakage" not in on_data(np.column_stack([x, y, -2 * y + 0.05 * normal(9, len(y))]), y).illnesses


def test_yes_and_no_columns_of_one_question_are_no_duplicates():
    x, y = regression()
    yes = (x[:, 0] > 0).astype(float)
    assert on_data(np.column_stack([x, yes, 1 - yes]), y).healthy


def test_a_weak_relation_is_one():
    x, _ = regression(1000)
    y = 0.2 * x[:, 1] + normal(8, 1000)  # R² is 0.04
    assert "unrelated_targets" not in on_data(x, y).illnesses


# ---- bad input


def test_a_model_that_raises_is_a_finding_and_the_data_are_looked_at():
    x, y = regression()
    x[:, 1] = 7.0
    found = wengert.diagnose(nn.mlp(random.key(0), [3, 8, 1]), (x, y), nn.mse)
    assert found.illnesses == ("model_raises", "constant_feature")
    assert "ShapeError" in found["model_raises"].sentence
    assert any("the model raises" in words for words in found.left_out)


def test_rows_that_are_not_finite_are_told_and_left_out():
    x, y = regression()
    x[3, 1], x[8, 2], y[9] = np.nan, np.inf, np.nan
    found = on_data(x, y, features=["a", "b", "c", "d"])
    assert found.illnesses == ("not_finite_data",)
    assert [f.numbers["rows"] for f in found.findings] == [2, 1]
    assert "b, c" in found.findings[0].sentence
    assert "3 rows that are not finite" in found.left_out


def test_no_finite_row_at_all():
    found = wengert.diagnose(nn.mlp(random.key(0), [2, 1]), (np.full((5, 2), np.nan), np.ones(5)), nn.mse)
    assert found.illnesses == ("not_finite_data",)
    assert found.looks == ()


@pytest.mark.parametrize(
    ("data", "words"),
    [
        ((np.zeros((0, 3)), np.zeros(0)), "no row"),
        ((np.zeros((5, 3)), np.zeros(4)), "5 rows"),
        ((np.array([["a"]]), np.zeros(1)), "must be numbers"),
        (np.zeros((5, 3)), "pair"),
        ((1.0, 2.0), "no row"),
    ],
)
def test_data_that_are_none_are_refused(data, words):
    with pytest.raises(DataError, match=words):
        wengert.diagnose(nn.mlp(random.key(0), [3, 1]), data, nn.mse)


def test_arguments_that_make_no_sense_are_refused():
    x, y = regression()
    with pytest.raises(ModelError, match="loss"):
        wengert.diagnose(nn.mlp(random.key(0), [4, 1]), (x, y), "mse")
    with pytest.raises(ModelError, match="optimizer"):
        wengert.diagnose(nn.mlp(random.key(0), [4, 1]), (x, y), nn.mse, optimizer=0.1)


@pytest.mark.parametrize("rows", [1, 2, 5])
def test_few_rows_are_looked_at_too(rows):
    x, y = regression(rows)
    assert "layers" in " ".join(on_data(x, y).looked_at)


def test_a_model_without_layers_says_so():
    @dataclass(frozen=True)
    class Constant:
        c: Any

        def __call__(self, x, *, key=None, training=False):
            return np.zeros((len(x), 1)) + np.mean(self.c)

    x, y = regression()
    found = wengert.diagnose(Constant(np.ones(3)), (x, y), nn.mse)
    assert not [look for look in found.looks if look.matrix]


def test_a_plain_function_of_a_model_and_no_training_flag_is_enough():
    class Plain:
        pass

    @dataclass(frozen=True)
    class Line:
        w: Any

        def __call__(self, x):
            return x @ self.w

    x, y = regression()
    assert wengert.diagnose(Line(normal(4, 4, 1)), (x, y), nn.mse).healthy


def test_float32_is_looked_at_in_float32():
    x, y = regression()
    model = nn.mlp(random.key(0), [4, 16, 1], dtype="float32")
    found = wengert.diagnose(model, (x, y), nn.mse, optimizer=optim.adam(1e-3))
    assert found.healthy, str(found)
    assert found.looks[0].values.dtype == np.float32


def test_the_same_question_has_the_same_answer():
    x, y = regression()
    texts = {str(on_data(x, y, optimizer=optim.sgd(9.0))) for _ in range(2)}
    assert len(texts) == 1
