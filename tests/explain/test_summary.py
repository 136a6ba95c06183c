"""summary: every number against a closed formula, or against what a tape really holds."""

import functools
import gc
import json
import types
from dataclasses import dataclass
from typing import Any

import numpy as np
import pytest

import wengert
from wengert import control, convolution, nn, pytree, random, vjp
from wengert.core.primitive import Primitive
from wengert.core.program import Program
from wengert.errors import ModelError, UnsupportedError

KEY = random.key(0)


def by_path(s, path):
    """The first row of a layer."""
    return next(row for row in s.rows if row.path == path)


# ---- multiply-adds


def test_dense_layers():
    s = wengert.summary(nn.mlp(KEY, [784, 512, 512, 10]), (128, 784))
    assert [row.multiply_adds for row in s.rows if row.multiply_adds] == [
        128 * 784 * 512,
        128 * 512 * 512,
        128 * 512 * 10,
    ]
    assert s.multiply_adds == 128 * (784 * 512 + 512 * 512 + 512 * 10)
    assert s.learned == 785 * 512 + 513 * 512 + 513 * 10 == nn.count_parameters(nn.mlp(KEY, [784, 512, 512, 10]))
    assert [row.output for row in s.rows] == ["(128, 10)", *["(128, 512)"] * 4, "(128, 10)"]


@pytest.mark.parametrize(
    ("window", "strides", "padding", "dilation", "groups", "places"),
    [
        (3, 1, "same", 1, 1, 28 * 30),
        (3, 1, "valid", 1, 1, 26 * 28),
        (5, 2, "valid", 1, 1, 12 * 13),
        (3, 2, "same", 1, 1, 14 * 15),
        (3, 1, "valid", 3, 1, 22 * 24),
        (3, 1, "same", 1, 4, 28 * 30),
    ],
)
def test_convolutions(window, strides, padding, dilation, groups, places):
    layer = nn.Conv2d.init(KEY, 4, 8, window, strides=strides, padding=padding, dilation=dilation, groups=groups)
    s = wengert.summary(layer, (2, 28, 30, 4))
    assert s.multiply_adds == 2 * places * window**2 * (4 // groups) * 8
    assert s.learned == window**2 * (4 // groups) * 8 + 8


@pytest.mark.parametrize(("cell", "gates"), [(nn.RNN, 1), (nn.GRU, 3), (nn.LSTM, 4)])
@pytest.mark.parametrize("layers", [1, 2])
def test_recurrent_layers(cell, gates, layers):
    batch, time, inputs, hidden = 4, 11, 3, 8
    s = wengert.summary(cell.init(KEY, inputs, hidden, layers), (batch, time, inputs))
    per_step = gates * (inputs * hidden + hidden**2) + (layers - 1) * gates * 2 * hidden**2
    assert s.multiply_adds == batch * time * per_step


@dataclass(frozen=True)
class Attention:
    """Scaled dot-product attention of several heads, as one writes it oneself."""

    query: Any
    key: Any
    value: Any
    out: nn.Dense
    heads: int = pytree.static()

    def __call__(self, x):
        batch, time, width = x.shape
        split = [(x @ w).reshape(batch, time, self.heads, -1) for w in (self.query, self.key, self.value)]
        scores = np.einsum("bthd,bshd->bhts", *split[:2]) / np.sqrt(width / self.heads)
        mixed = np.einsum("bhts,bshd->bthd", nn.softmax(scores), split[2])
        return self.out(mixed.reshape(batch, time, width))


def test_attention_written_by_the_user():
    width, heads, batch, time = 16, 4, 3, 7
    model = Attention(*(np.ones((width, width)) for _ in range(3)), nn.Dense.init(KEY, width, width), heads)
    s = wengert.summary(model, (batch, time, width))
    assert by_path(s, "").multiply_adds == batch * (3 * time * width**2 + 2 * time**2 * width)
    assert by_path(s, "out").multiply_adds == batch * time * width**2
    assert (by_path(s, "").learned, by_path(s, "out").learned) == (3 * width**2, width**2 + width)


def test_products_of_several_operands_are_counted_in_numpys_order():
    a, b, c = np.ones((10, 100)), np.ones((100, 5)), np.ones((5, 50))
    s = wengert.summary(lambda a, b, c: np.einsum("ij,jk,kl->il", a, b, c), (a, b, c))
    assert s.multiply_adds == 10 * 100 * 5 + 10 * 5 * 50  # (ab)c: 7500 pairs; a(bc) has 75 000


def test_loops_count_as_often_as_they_turn_and_branches_as_the_dearest():
    def f(x, w):
        x = control.fori_loop(0, 6, lambda _, x: np.tanh(x @ w), x)
        return control.cond(np.sum(x) > 0, lambda: x @ w @ w, lambda: x)

    assert wengert.summary(f, ((5, 8), np.ones((8, 8)))).multiply_adds == (6 + 2) * 5 * 8 * 8


def test_a_function_with_a_rule_of_its_own_is_looked_into():
    f = wengert.custom_vjp(lambda x, w: np.sin(x @ w))
    f.defvjp(lambda x, w: (np.sin(x @ w), (x, w)), lambda r, g: (g @ r[1].T, r[0].T @ g))
    assert wengert.summary(lambda x, w: f(x, w), ((5, 3), np.ones((3, 2)))).multiply_adds == 5 * 3 * 2


def test_convolution_of_one_axis_by_hand():
    s = wengert.summary(lambda x, k: convolution.conv(x, k, padding="valid"), ((2, 20, 3), np.ones((5, 3, 7))))
    assert s.multiply_adds == 2 * 16 * 5 * 3 * 7


def test_what_has_no_formula_is_named_not_guessed():
    s = wengert.summary(lambda a: np.linalg.cholesky(a) @ a, np.eye(4))
    assert s.multiply_adds == 64
    assert "cholesky" in s.notes[0]


# ---- activation memory: what a tape really holds


def held_arrays(pull, known):
    """The arrays that a pullback reaches, views by what they are views of, without those equal to known ones."""
    waiting, seen, arrays = [pull], set(), {}
    while waiting:
        x = waiting.pop()
        if id(x) in seen or isinstance(x, type | types.ModuleType | Primitive | Program):
            continue
        seen.add(id(x))
        if isinstance(x, np.ndarray):
            while isinstance(x.base, np.ndarray):
                x = x.base
            arrays[id(x)] = x
        elif isinstance(x, types.FunctionType):
            waiting += [cell.cell_contents for cell in x.__closure__ or ()]
        else:
            waiting += gc.get_referents(x)
    return [x for x in arrays.values() if not any(np.array_equal(x, k) for k in known)]


@pytest.mark.parametrize(
    ("model", "shape"),
    [
        (nn.mlp(KEY, [10, 20, 20, 5], "tanh"), (32, 10)),
        (nn.mlp(KEY, [10, 20, 5], "relu"), (32, 10)),
        (nn.Sequential([nn.Conv2d.init(KEY, 1, 4), nn.relu, nn.Flatten(), nn.Dense.init(KEY, 256, 3)]), (2, 8, 8, 1)),
        (nn.Sequential([nn.LSTM.init(KEY, 3, 8), nn.Dense.init(KEY, 8, 2)]), (4, 10, 3)),
    ],
    ids=["tanh", "relu", "conv", "lstm"],
)
def test_kept_bytes_are_those_that_the_tape_holds(model, shape):
    x = np.random.default_rng(0).standard_normal(shape)
    y, pull = vjp(lambda m: m(x), model)
    found = held_arrays(pull, [x, y, *pytree.leaves(model)])
    assert wengert.summary(model, x).kept == sum(a.nbytes for a in found)


def test_kept_bytes_of_tanh_layers_are_their_outputs_once():
    s = wengert.summary(nn.mlp(KEY, [10, 20, 30, 5], "tanh", dtype=np.float32), (32, 10))
    assert s.kept == 4 * 32 * (20 + 30)
    assert [row.kept for row in s.rows if row.kept] == [4 * 32 * 20, 4 * 32 * 30]


# ---- rows


def test_rows_add_up_and_state_is_remembered_not_learned():
    model = nn.Sequential([nn.Conv2d.init(KEY, 1, 6), nn.BatchNorm.init(6), nn.relu])
    s = wengert.summary(model, (2, 8, 8, 1))
    row = by_path(s, "layers[1]")
    assert (row.learned, row.remembered, s.remembered) == (12, 12, 12)
    assert s.learned == nn.count_parameters(model) == sum(row.learned for row in s.rows)
    assert sum(map(s.share, s.rows)) == pytest.approx(1)


@dataclass(frozen=True)
class Twice:
    inner: nn.Dense
    scale: Any

    def __call__(self, x):
        return self.scale * self.inner(np.tanh(self.inner(x)))


def test_a_layer_called_twice_has_its_parameters_once():
    s = wengert.summary(Twice(nn.Dense.init(KEY, 5, 5), np.ones(5)), (2, 5))
    assert [(row.path, row.learned, row.again, row.multiply_adds) for row in s.rows] == [
        ("", 5, False, 0), ("inner", 30, False, 50), ("inner", 0, True, 50),
    ]  # fmt: skip


@dataclass(frozen=True)
class OverTime:
    cell: nn.Dense

    def __call__(self, x):
        def body(h, xt):
            h = np.tanh(self.cell(xt) + h)
            return h, h

        return control.scan(body, np.zeros((x.shape[0], 8)), np.swapaxes(x, 0, 1))[0]


def test_a_layer_inside_a_loop_shows_one_turn_and_is_counted_in_the_loop():
    for _ in range(2):  # Programs that are alike are shared between runs: nothing may depend on that
        s = wengert.summary(OverTime(nn.Dense.init(KEY, 3, 8)), (4, 10, 3))
        inner = by_path(s, "cell")
        assert (inner.looped, inner.multiply_adds, inner.learned) == (True, 4 * 3 * 8, 32)
        assert (s.multiply_adds, s.learned, len(s.rows)) == (10 * 4 * 3 * 8, 32, 2)


def test_functions_have_parameters_in_their_trees():
    params = {"W": np.ones((3, 4)), "v": np.ones(4)}
    s = wengert.summary(lambda params, x: np.tanh(x @ params["W"]) @ params["v"], (params, (7, 3)))
    assert (s.learned, s.multiply_adds, s.data) == (16, 7 * 12 + 7 * 4, ("(7, 3)",))
    assert wengert.summary(lambda W, x: x @ W, (np.ones((3, 4)), (7, 3)), learned=0).learned == 12


def test_layers_in_the_arguments_of_a_loss_have_their_names():
    s = wengert.summary(lambda model, x, y: nn.mse(model(x), y), (nn.mlp(KEY, [3, 4, 1]), (7, 3), (7, 1)))
    assert [row.path for row in s.rows] == ["", "model", *(f"model.layers[{k}]" for k in range(3))]
    assert by_path(s, "model.layers[0]").learned == 16


def test_methods_partial_functions_and_jitted_models():
    model = nn.mlp(KEY, [3, 4, 1])
    whole = wengert.summary(model, (7, 3)).multiply_adds
    assert wengert.summary(model.__call__, (7, 3)).multiply_adds == whole
    assert wengert.summary(wengert.jit(model), (7, 3)).multiply_adds == whole
    assert wengert.summary(functools.partial(lambda m, x: m(x), model), (7, 3)).multiply_adds == whole


def test_nothing_is_computed_where_staging_is_enough():
    # 10¹⁶ multiply-adds on 10¹² numbers: no machine would come back
    s = wengert.summary(nn.Dense.init(KEY, 100, 100), (10**12, 100))
    assert s.multiply_adds == 10**16
    assert s.notes == ()


def test_a_model_that_asks_for_values_is_run_and_says_so():
    def f(w, x):
        y = x @ w
        return y if y.sum() > 0 else y @ np.ones((2, 2))

    s = wengert.summary(f, (np.ones((3, 2)), np.ones((5, 3))))
    assert s.multiply_adds == 5 * 3 * 2
    assert "if y.sum() > 0" in s.notes[0] or "y.sum() > 0" in s.notes[0]
    staged = wengert.summary(lambda w, x: x @ w, (np.ones((3, 2)), np.ones((5, 3))))
    assert (staged.multiply_adds, staged.kept, staged.notes) == (30, s.kept, ())


def test_training_mode_and_keys_are_handed_on():
    model = nn.Sequential([nn.Dense.init(KEY, 4, 4), nn.Dropout(0.5)])
    s = wengert.summary(model, (8, 4), training=True, key=KEY)
    assert by_path(s, "layers[1]").kept > 0


# ---- what does not fit


def test_the_table_ends_with_the_layer_that_fails():
    layers = [nn.Dense.init(KEY, 10, 20), nn.relu, nn.Dense.init(KEY, 30, 5), nn.Dense.init(KEY, 5, 1)]
    s = wengert.summary(nn.Sequential(layers), (32, 10))
    assert [row.path for row in s.rows] == ["", "layers[0]", "layers[1]", "layers[2]"]
    assert (s.ok, s.rows[-1].shapes, by_path(s, "layers[0]").output) == (False, None, "(32, 20)")
    text = str(s)
    assert "✗ failed" in text.splitlines()[6]
    assert "(30, 5)" in text
    assert "(32, 20)" in text


@dataclass(frozen=True)
class Wrong:
    w: Any

    def __call__(self, x):
        return np.tanh(x) @ self.w if self.w.ndim == 2 else x + self.w


@pytest.mark.parametrize(
    ("w", "line", "remedy"),
    [
        (np.ones((5, 10)), "np.tanh(x) @ self.w", ""),
        (np.ones(32), "x + self.w", "x + self.w[:, None]"),
        (np.ones(7), "x + self.w", "self.w of shape (10,)"),
    ],
)
def test_users_code_that_does_not_fit_shows_line_shapes_and_remedy(w, line, remedy):
    failure = wengert.summary(Wrong(w), (32, 10)).failure
    assert line in failure.line
    assert dict(failure.shapes) == {"x": (32, 10), "self.w": w.shape}
    assert remedy in str(failure)


def test_a_product_that_does_not_fit_says_what_would():
    failure = wengert.summary(lambda w, x: x @ w, (np.ones((5, 10)), np.ones((32, 10)))).failure
    assert (failure.remedy, dict(failure.shapes)) == ("x @ w.T", {"x": (32, 10), "w": (5, 10)})


def test_what_is_no_model_or_no_data_is_refused():
    with pytest.raises(ModelError, match=r"write: summary\(model"):
        wengert.summary(np.ones(3), (3,))
    with pytest.raises(ModelError, match=r"write: \(32, 784\)"):
        wengert.summary(nn.mlp(KEY, [784, 1]), (None, 784))
    with pytest.raises(ModelError, match="positions from 0 to 1"):
        wengert.summary(lambda w, x: x @ w, ((3, 2), (5, 3)), learned=2)
    with pytest.raises(UnsupportedError, match="outside"):
        wengert.grad(lambda x: wengert.summary(nn.relu, x).kept)(1.0)


def test_a_layer_that_takes_no_key_is_told_its_signature():
    @dataclass(frozen=True)
    class Own:
        w: Any

        def __call__(self, x):
            return x @ self.w

    s = wengert.summary(nn.Sequential([Own(np.ones((3, 2)))]), (5, 3))
    assert s.failure.remedy == "def __call__(self, x, *, key=None, training=False):"


class Plain:
    def __init__(self):
        self.w = np.ones((3, 2))

    def __call__(self, x):
        return x @ self.w


def test_an_object_that_is_no_tree_says_that_its_parameters_are_unknown():
    s = wengert.summary(Plain(), (5, 3))
    assert s.multiply_adds == 30
    assert "@dataclass(frozen=True)" in s.notes[0]


# ---- forms


def test_the_table_fits_its_width_and_is_json_too():
    s = wengert.summary(nn.mlp(KEY, [784, 512, 512, 10]), (128, 784))
    assert max(map(len, s.text(width=80).splitlines()[1:])) <= 80
    assert "Dense(784 → 512)" in s.text(width=80)
    whole = json.loads(json.dumps(s.to_dict()))
    assert whole["totals"]["learned"] == s.learned
    assert whole["rows"][1]["shapes"] == [[128, 512]]


def test_the_table_for_notebooks_is_escaped(visit):
    @dataclass(frozen=True)
    class Named:
        w: Any

        def __call__(self, x, *, key=None, training=False):
            return x @ self.w

        def __repr__(self):
            return "<script>alert(1)</script>"

    html = wengert.summary(nn.Sequential([Named(np.ones((3, 2))), nn.Dense.init(KEY, 4, 1)]), (5, 3))._repr_html_()
    assert "<script>" not in html
    page = visit(html)
    page.keep("summary-failed")
    assert page.locator("tbody tr").count() == 3
    assert page.locator("tr.failed").count() == 1
    page = visit(wengert.summary(nn.mlp(KEY, [784, 512, 512, 10]), (128, 784))._repr_html_())
    page.keep("summary")
