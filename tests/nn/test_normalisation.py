"""Normalisation against its formulas, and what models remember."""

from dataclasses import dataclass

import numpy as np
import pytest

from wengert import check_grads, grad, make_program, nn, optim, pytree, random, training, value_and_grad, vmap
from wengert.errors import ModelError, ShapeError

RNG = np.random.default_rng(6)


def batch_norm(x, epsilon=1e-5):
    """By loops over features and samples."""
    rows = x.reshape(-1, x.shape[-1])
    out = np.empty_like(rows)
    for k in range(rows.shape[1]):
        mean = sum(rows[:, k]) / len(rows)
        variance = sum((v - mean) ** 2 for v in rows[:, k]) / len(rows)
        out[:, k] = [(v - mean) / np.sqrt(variance + epsilon) for v in rows[:, k]]
    return out.reshape(x.shape)


@pytest.mark.parametrize("shape", [(6, 3), (2, 4, 3, 5)])
def test_batch_norm_in_training(shape):
    x = 3 + 2 * RNG.normal(size=shape)
    n = shape[-1]
    scale, shift = RNG.normal(size=n), RNG.normal(size=n)
    layer = nn.BatchNorm(scale, shift, np.zeros(n), np.ones(n), momentum=0.25)
    y, after = nn.apply(layer, x, training=True)
    np.testing.assert_allclose(y, batch_norm(x) * scale + shift, rtol=1e-11, atol=1e-12)
    rows = x.reshape(-1, n)
    np.testing.assert_allclose(after.mean, 0.25 * rows.mean(0), rtol=1e-13)
    np.testing.assert_allclose(after.variance, 0.75 + 0.25 * rows.var(0, ddof=1), rtol=1e-13)
    # outside of training it is a fixed map, and remembers nothing
    y, again = nn.apply(after, x)
    assert again is after
    want = (x - after.mean) / np.sqrt(after.variance + 1e-5) * scale + shift
    np.testing.assert_allclose(y, want, rtol=1e-12, atol=1e-13)


def test_layer_norm():
    x, scale, shift = RNG.normal(size=(3, 2, 5)), RNG.normal(size=5), RNG.normal(size=5)
    y = nn.LayerNorm(scale, shift)(x)
    want = [(v - v.mean()) / np.sqrt(v.var() + 1e-5) * scale + shift for v in x.reshape(-1, 5)]
    np.testing.assert_allclose(y.reshape(-1, 5), want, rtol=1e-12, atol=1e-13)


def test_derivatives():
    x = RNG.normal(size=(5, 3))
    layer = nn.BatchNorm(*RNG.uniform(0.5, 1.5, (4, 3)))
    check_grads(lambda scale, x: (nn.BatchNorm(scale, *RNG_FIXED)(x, training=True) ** 3).sum(), (layer.scale, x))
    check_grads(lambda layer, x: (layer(x) ** 3).sum(), (nn.LayerNorm(*RNG.uniform(0.5, 1.5, (2, 3))), x))
    for training_ in (True, False):
        d = grad(lambda layer, t=training_: (layer(x, training=t) ** 3).sum())(layer)
        assert not d.mean.any()
        assert not d.variance.any()
        assert d.scale.all()


RNG_FIXED = RNG.uniform(0.5, 1.5, (3, 3))


def test_dtypes():
    x = RNG.normal(size=(4, 3)).astype(np.float32)
    for layer in (nn.BatchNorm.init(3, dtype=np.float32), nn.LayerNorm.init(3, dtype=np.float32)):
        y, after = nn.apply(layer, x, training=True)
        assert y.dtype == np.float32
        assert {leaf.dtype.name for leaf in pytree.leaves(after)} == {"float32"}


def test_one_row_is_no_reason_for_nan():
    y, after = nn.apply(nn.BatchNorm.init(2), np.array([[3.0, -1.0]]), training=True)
    np.testing.assert_array_equal(y, np.zeros((1, 2)))
    assert np.isfinite(after.variance).all()


# ---- state


@dataclass(frozen=True)
class Own:
    """A model of the user's, with layers in a dict and one of them twice."""

    parts: dict
    name: str = pytree.static(default="own")

    def __call__(self, x, *, key=None, training=False):
        h = self.parts["dense"](x)
        return self.parts["norm"](np.tanh(self.parts["norm"](h, training=training)), training=training)


def own():
    return Own({"dense": nn.Dense.init(random.key(0), 2, 2), "norm": nn.BatchNorm.init(2)})


def test_state_is_found_wherever_the_layer_stands():
    model, x = own(), RNG.normal(size=(9, 2))
    _, after = nn.apply(model, x, training=True)
    h = x @ model.parts["dense"].weight
    first = 0.1 * h.mean(0)
    second = 0.9 * first + 0.1 * np.tanh(batch_norm(h)).mean(0)
    np.testing.assert_allclose(after.parts["norm"].mean, second, rtol=1e-12)
    assert after.name == "own"
    assert after.parts["dense"].weight is model.parts["dense"].weight
    assert not model.parts["norm"].mean.any()


def test_state_in_a_gradient_staged_and_batched():
    model, x = own(), RNG.normal(size=(9, 2))
    _, after = nn.apply(model, x, training=True)

    def objective(model, x):
        y, after = nn.apply(model, x, training=True)
        return np.sum(y**3), nn.state_of(after)

    (_, state), gradients = value_and_grad(objective, has_aux=True)(model, x)
    np.testing.assert_array_equal(state, nn.state_of(after))
    assert not any(d.any() for d in nn.state_of(gradients))
    program = make_program(lambda model, x: nn.apply(model, x, training=True)[1])(model, x)
    for got, want in zip(program(*pytree.leaves(model), x), pytree.leaves(after), strict=True):
        np.testing.assert_array_equal(got, want)
    stack = np.stack([x, 2 * x + 1])
    _, many = vmap(lambda x: nn.apply(model, x, training=True))(stack)
    for k in (0, 1):
        each = nn.state_of(nn.apply(model, stack[k], training=True)[1])
        for got, want in zip(nn.state_of(many), each, strict=True):
            np.testing.assert_allclose(got[k], want, rtol=1e-12)


def test_calls_outside_of_apply_forget_and_errors_leave_no_trace():
    layer, x = nn.BatchNorm.init(2), RNG.normal(size=(4, 2))
    layer(x, training=True)
    assert nn.apply(layer, x)[1] is layer
    with pytest.raises(ShapeError):
        nn.apply(nn.Sequential([layer, nn.Dense(np.ones((3, 1)))]), x, training=True)
    assert nn.state.newest(layer) is layer


def test_optimisers_leave_state_alone():
    model = nn.with_state(nn.BatchNorm.init(2), [np.array([3.0, 4.0]), np.array([5.0, 6.0])])
    gradients = pytree.map(np.ones_like, model)
    for optimizer in (optim.adamw(0.1, weight_decay=0.5), optim.sgd(0.1)):
        updates, _ = optimizer.update(gradients, optimizer.init(model), model)
        after = optim.apply_updates(model, updates)
        assert nn.state_of(after)[0] is model.mean
        assert nn.state_of(after)[1] is model.variance
        assert (after.scale != model.scale).all()
    decayed, _ = optim.add_decayed_weights(0.5).update(pytree.map(np.zeros_like, model), (), model)
    np.testing.assert_array_equal(decayed.scale, 0.5 * model.scale)
    assert not decayed.mean.any()


def test_counts_and_norms_are_of_what_is_learned():
    model = nn.Sequential([nn.Dense.init(random.key(0), 2, 3), nn.BatchNorm.init(3)])
    assert nn.count_parameters(model) == 2 * 3 + 3 + 3 + 3
    x = RNG.normal(size=(20, 2))
    row = training.fit(
        model,
        x,
        x[:, :1] * np.ones(3),
        loss=nn.mse,
        optimizer=optim.sgd(1e-9),
        epochs=1,
        validation=None,
        progress="none",
    ).history
    assert row["weight_norm/layers[1]"][0] == pytest.approx(np.sqrt(3), rel=1e-6)


def test_training_carries_the_state_along_and_files_keep_it(tmp_path):
    x = 5 + 3 * random.normal(random.key(3), (64, 2))
    y = x.sum(1, keepdims=True)
    model = nn.Sequential([nn.BatchNorm.init(2), nn.Dense.init(random.key(0), 2, 1)])
    result = training.fit(
        model, x, y, loss=nn.mse, optimizer=optim.adamw(0.05, weight_decay=0.1), epochs=60, batch_size=None,
        validation=None, progress="none",
    )  # fmt: skip
    norm = result.model[0]
    # the batch is the same in every step, so that 1 − 0.9⁶⁰ of it is remembered
    far = 1 - 0.9**60
    np.testing.assert_allclose(norm.mean, far * x.mean(0), rtol=1e-10)
    np.testing.assert_allclose(norm.variance, 1 - far + far * x.var(0, ddof=1), rtol=1e-10)
    training.save_model(tmp_path / "model.safetensors", result.model)
    again = training.load_model(tmp_path / "model.safetensors", model)
    np.testing.assert_array_equal(training.predict(again, x), training.predict(result.model, x))
    np.testing.assert_array_equal(again[0].mean, norm.mean)


def test_masks_and_replacements():
    model = nn.Sequential([nn.Dense(np.ones((1, 1))), nn.BatchNorm.init(1)])
    assert pytree.state_mask(model) == [False, False, False, True, True]
    assert pytree.state_mask({"a": 1.0, "b": None}) == [False]
    assert pytree.replace_nodes({"a": (1, 2), "b": 1}, lambda n: 5 if n == 1 else None) == {"a": (5, 2), "b": 5}
    both = pytree.map_learned(lambda a, b: a + b, model, model)
    assert (both[0].weight, both[1].scale, both[1].variance) == (2.0, 2.0, 1.0)
    with pytest.raises(ShapeError, match="differ in structure"):
        pytree.map_learned(lambda a, b: a + b, model, model[1])


def test_everything_below_a_field_is_state():

    @dataclass(frozen=True)
    class Layer:
        weight: float
        memory: dict = pytree.state(default_factory=dict)

    layer = Layer(1.0, {"a": (2.0, 3.0)})
    assert pytree.state_mask(layer) == [False, True, True]
    assert pytree.map_learned(lambda v: -v, layer) == Layer(-1.0, {"a": (2.0, 3.0)})


# ---- embeddings


def test_embedding():
    layer = nn.Embedding.init(random.key(0), 5, 3)
    x = np.array([[0, 4], [4, 1]])
    np.testing.assert_array_equal(layer(x), layer.weight[x])
    np.testing.assert_array_equal(layer(x.astype(float)), layer.weight[x])
    d = grad(lambda layer: layer(x).sum())(layer).weight
    np.testing.assert_array_equal(d, np.array([1, 1, 0, 0, 2.0])[:, None] * np.ones(3))
    np.testing.assert_array_equal(make_program(lambda x: layer(x))(x)(x), layer.weight[x])
    assert repr(layer) == "Embedding(5 → 3)"


def test_refusals():
    with pytest.raises(ShapeError, match=r"BatchNorm\.init\(4\)"):
        nn.BatchNorm.init(3)(np.ones((2, 4)))
    with pytest.raises(ShapeError, match=r"LayerNorm\.init\(4\)"):
        nn.LayerNorm.init(3)(np.ones((2, 4)))
    with pytest.raises(ModelError, match="momentum"):
        nn.BatchNorm.init(3, momentum=0.0)
    with pytest.raises(ModelError, match="at least one feature"):
        nn.LayerNorm.init(0)
    with pytest.raises(ShapeError, match="Embedding takes"):
        nn.Embedding(np.ones(3))
    with pytest.raises(ModelError, match="at least one row"):
        nn.Embedding.init(random.key(0), 0, 3)
