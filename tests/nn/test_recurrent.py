"""Recurrent layers against their formulas, written as loops over time, samples and gates."""

import numpy as np
import pytest

from wengert import check_grads, grad, make_program, nn, optim, pytree, random, training, vmap
from wengert.errors import ModelError, ShapeError

RNG = np.random.default_rng(7)
LAYERS = {"RNN": nn.RNN, "LSTM": nn.LSTM, "GRU": nn.GRU}
layers = pytest.mark.parametrize("kind", LAYERS.values(), ids=LAYERS)


def sigmoid(x):
    return 1 / (1 + np.exp(-x))


def rnn_step(cell, state, x):
    h = np.tanh(x @ cell.weight + state @ cell.recurrent + cell.bias)
    return h, h


def lstm_step(cell, state, x):
    h, c = state
    of = lambda k: (np.split(cell.weight, 4, 1)[k], np.split(cell.recurrent, 4, 1)[k], np.split(cell.bias, 4)[k])
    a = [x @ w + h @ u + b for w, u, b in map(of, range(4))]
    i, f, o, g = sigmoid(a[0]), sigmoid(a[1]), sigmoid(a[2]), np.tanh(a[3])
    c = f * c + i * g
    return (o * np.tanh(c), c), o * np.tanh(c)


def gru_step(cell, state, x):
    (wz, wr, wn), (uz, ur, un) = np.split(cell.weight, 3, 1), np.split(cell.recurrent, 3, 1)
    bz, br, bn = np.split(cell.bias, 3)
    z, r = sigmoid(x @ wz + state @ uz + bz), sigmoid(x @ wr + state @ ur + br)
    n = np.tanh(x @ wn + bn + r * (state @ un + cell.candidate_bias))
    h = (1 - z) * n + z * state
    return h, h


STEPS = {nn.RNN: rnn_step, nn.LSTM: lstm_step, nn.GRU: gru_step}


def by_loops(layer, x, initial=None):
    """All outputs and last states, one series and one step at a time."""
    outputs, ends = [], []
    for n, series in enumerate(x):
        sequence, states = list(series), []
        for k, cell in enumerate(layer.cells):
            zero = np.zeros(cell.hidden)
            state = (zero, zero) if isinstance(layer, nn.LSTM) else zero
            if initial is not None:
                state = pytree.map(lambda s, n=n: s[n], initial[k])
            for t, value in enumerate(sequence):
                state, sequence[t] = STEPS[type(layer)](cell, state, value)
            states.append(state)
        outputs.append(sequence)
        ends.append(tuple(states))
    return np.array(outputs), pytree.map(lambda *rows: np.stack(rows), *ends)


def made(kind, depth=2, **options):
    """A layer whose biases are not zero."""
    layer = kind.init(random.key(depth), 3, 4, depth, **options)
    return pytree.map(lambda leaf: leaf + 0.1 * RNG.normal(size=leaf.shape), layer)


@layers
@pytest.mark.parametrize("depth", [1, 3])
def test_is_its_formula_at_every_step(kind, depth):
    layer, x = made(kind, depth), RNG.normal(size=(2, 5, 3))
    want, ends = by_loops(layer, x)
    outputs, states = layer.run(x)
    np.testing.assert_allclose(outputs, want, rtol=1e-11, atol=1e-13)
    for got, end in zip(pytree.leaves(states), pytree.leaves(ends), strict=True):
        np.testing.assert_allclose(got, end, rtol=1e-11, atol=1e-13)
    np.testing.assert_array_equal(layer(x), outputs[:, -1])
    np.testing.assert_array_equal(kind(layer.cells, return_sequences=True)(x), outputs)


@layers
def test_initial_states(kind):
    layer, x = made(kind), RNG.normal(size=(2, 4, 3))
    h = lambda: RNG.normal(size=(2, 4))
    initial = tuple((h(), h()) if kind is nn.LSTM else h() for _ in layer.cells)
    want, _ = by_loops(layer, x, initial)
    np.testing.assert_allclose(layer(x, initial=initial), want[:, -1], rtol=1e-11, atol=1e-13)
    # a series in parts is the series
    first, states = layer.run(x[:, :3])
    rest, _ = layer.run(x[:, 3:], states)
    np.testing.assert_allclose(np.concatenate([first, rest], 1), layer.run(x)[0], rtol=1e-12, atol=1e-14)


@layers
def test_a_cell_by_itself_is_a_step(kind):
    layer, x = made(kind, 1), RNG.normal(size=(2, 3))
    cell = layer.cells[0]
    state, output = cell(cell.start(2, x.dtype), x)
    outputs, (end,) = layer.run(x[:, None])
    np.testing.assert_allclose(output, outputs[:, 0], rtol=1e-13, atol=1e-15)
    for a, b in zip(pytree.leaves(state), pytree.leaves(end), strict=True):
        np.testing.assert_allclose(a, b, rtol=1e-13, atol=1e-15)


@layers
def test_derivatives(kind):
    layer, x = made(kind), RNG.normal(size=(2, 3, 3))
    loss = lambda layer, x: np.sum(layer(x) ** 2)
    check_grads(loss, (layer, x), order=1)
    check_grads(lambda w, x: np.sum(kind((type(layer.cells[0])(w, *pytree.leaves(layer.cells[0])[1:]),))(x) ** 2),
                (layer.cells[0].weight, x), order=2)  # fmt: skip


@layers
def test_staged_and_batched(kind):
    layer, x = made(kind, return_sequences=True), RNG.normal(size=(2, 6, 3))
    loss = lambda layer, x: np.sum(layer(x) ** 2)
    want = pytree.leaves(grad(loss)(layer, x))
    program = make_program(grad(loss))(layer, x)
    for got, w in zip(program(*pytree.leaves(layer), x), want, strict=True):
        np.testing.assert_allclose(got, w, rtol=1e-12, atol=1e-14)
    each = vmap(grad(lambda layer, x: loss(layer, x[None])), (None, 0))(layer, x)
    for got, w in zip(pytree.leaves(each), want, strict=True):
        np.testing.assert_allclose(got.sum(0), w, rtol=1e-10, atol=1e-12)


@layers
def test_a_longer_series_is_no_longer_program(kind):
    layer = made(kind)
    sizes = [len(make_program(lambda x: layer(x))(np.ones((2, n, 3))).equations) for n in (3, 300)]
    assert sizes[0] == sizes[1]


def test_initial_values():
    layer = nn.LSTM.init(random.key(0), 50, 40, dtype=np.float32)
    (cell,) = layer.cells
    np.testing.assert_array_equal(cell.bias, np.repeat([0, 1, 0, 0], 40))
    for part in np.split(cell.recurrent, 4, axis=1):
        np.testing.assert_allclose(part.T @ part, np.eye(40), atol=1e-5)  # float32
    limit = np.sqrt(6 / (50 + 40))
    for part in np.split(cell.weight, 4, axis=1):
        assert 0.95 * limit < abs(part).max() <= limit
    assert {leaf.dtype.name for leaf in pytree.leaves(layer)} == {"float32"}
    assert layer(np.ones((2, 3, 50), np.float32)).dtype == np.float32


def test_dropout_stands_between_layers():
    layer, x = made(nn.GRU, 2, dropout=0.5), RNG.normal(size=(200, 3, 3))
    key = random.key(5)
    assert layer.draws
    assert not made(nn.GRU, 1, dropout=0.5).draws
    np.testing.assert_array_equal(layer(x, key=key), nn.GRU(layer.cells)(x))
    with pytest.raises(ModelError, match="no key"):
        layer(x, training=True)
    noisy = layer(x, key=key, training=True)
    np.testing.assert_array_equal(noisy, layer(x, key=key, training=True))
    below, _ = nn.GRU(layer.cells[:1]).run(x)
    masked = nn.Dropout(0.5)(
        below.swapaxes(0, 1).reshape(-1, 4), key=random.split(key, 2)[1], training=True
    ).reshape(3, 200, 4)  # fmt: skip
    np.testing.assert_array_equal(noisy, nn.GRU(layer.cells[1:])(masked.swapaxes(0, 1)))
    program = make_program(lambda x, key: layer(x, key=key, training=True))(x, key)
    np.testing.assert_array_equal(program(x, key), noisy)


@layers
def test_learns_what_it_saw_some_steps_ago(kind):
    x = RNG.integers(0, 2, (200, 6, 1)).astype(float)
    y = x[:, 2, 0].astype(int)
    model = nn.Sequential([kind.init(random.key(0), 1, 12), nn.Dense.init(random.key(1), 12, 2)])
    result = training.fit(
        model, x, y, loss=nn.softmax_cross_entropy, optimizer=optim.adam(0.03), epochs=25, batch_size=40,
        metrics={"accuracy": nn.accuracy}, progress="none",
    )  # fmt: skip
    assert max(result.history["validation_accuracy"]) == 1.0


def test_refusals():
    layer = nn.LSTM.init(random.key(0), 1, 4)
    with pytest.raises(ShapeError, match=r"x\[\.\.\., None\]"):
        layer(np.ones((2, 5)))
    with pytest.raises(ShapeError, match=r"x\[None\]"):
        nn.GRU.init(random.key(0), 3, 4)(np.ones((5, 3)))
    with pytest.raises(ShapeError, match="as many inputs"):
        layer(np.ones((2, 5, 2)))
    with pytest.raises(ShapeError, match="at least one step"):
        layer(np.ones((2, 0, 1)))
    with pytest.raises(ShapeError, match="1 initial states"):
        layer(np.ones((2, 5, 1)), initial=())
    with pytest.raises(ShapeError, match=r"4 · hidden"):
        nn.LSTMCell(np.ones((1, 4)), np.ones((2, 4)), np.ones(4))
    with pytest.raises(ModelError, match="tuple of GRUCell"):
        nn.GRU(layer.cells)
    with pytest.raises(ShapeError, match="stands above"):
        nn.LSTM((layer.cells[0], layer.cells[0]))
    with pytest.raises(ModelError, match="at least one layer"):
        nn.RNN.init(random.key(0), 1, 1, 0)
    with pytest.raises(ModelError, match="hidden unit"):
        nn.RNNCell.init(random.key(0), 1, 0)
