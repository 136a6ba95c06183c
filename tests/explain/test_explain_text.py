"""Explanations as text."""

import numpy as np

import wengert
from wengert import nn, random


def cube_plus(x, y):
    z = x**3
    return z + y


def test_the_tables():
    text = wengert.explain(cube_plus)(2.0, -1.0).text(width=80).splitlines()
    assert text[0] == "cube_plus(x, y) = 7"
    assert [line.split()[:2] for line in text[3:7]] == [
        ["x", "input"],
        ["y", "input"],
        ["v1", "z"],
        ["v2", "v1"],
    ]
    assert text[5].split() == ["v1", "z", "x", "**", "3", "8", "1", "test_explain_text.py:10:", "z", "=", "x**3"]
    assert text[9].split() == ["x", "→", "v1", "12", "1", "12"]


def test_it_fits_the_width():
    def loss(weights, inputs):
        for _ in range(3):
            inputs = np.tanh(inputs @ weights)
        return np.mean(inputs, axis=None)

    e = wengert.explain(loss)(np.eye(8) / 3, np.ones((20, 8)))
    for width in (60, 80, 120):
        assert max(map(len, e.text(width=width).splitlines())) <= width
    assert "f64[8,8] 0 … 0.33" in e.text(width=120)
    assert "Jacobian 160 × 64" in e.text(width=120)


def test_long_lists_are_cut_in_the_middle():
    def chain(x):
        return sum([x] * 501)  # one after the other, in no loop

    e = wengert.explain(chain)(1.0)
    assert len(str(e).splitlines()) < 140
    assert "… 441 more" in str(e)
    assert "v500" in str(e)
    assert len(e.text(most=None).splitlines()) == 502 + 1001 + 5


def test_operations_as_one_writes_them():
    def g(x):
        y = np.zeros(3)
        y[1:] = -x[0]
        return np.sum(y, axis=0) / np.hypot(x[1], 2.0)

    text = wengert.explain(g)(np.array([3.0, 4.0])).text(width=200)
    for written in ("x[0]", "-v1", "[0 0 0][1:] ← v2", "sum(v3, axes=(0,))", "hypot(", " / "):
        assert written in text


def test_many_paths_are_cut_in_the_middle():
    def double(x):
        for _ in range(6):
            x = x + x
        return x

    text = str(wengert.explain(double)(1.0).paths("x"))
    assert "… 40 more" in text
    assert "sum" in text


def test_truth_values_have_no_gradient_to_show():
    text = wengert.explain(lambda x: np.sum(x * (x > 0)))(np.array([-1.0, 2.0])).text(width=120)
    assert text.splitlines()[4].split()[:7] == ["v1", "x", ">", "0", "[False", "True]", "–"]


def test_names_are_cut_last():
    e = wengert.explain(lambda a_long_name: np.sum(np.sin(a_long_name["the first part"])))(
        {"the first part": np.ones(9)}
    )
    for line in e.text(width=80).splitlines():
        assert len(line) <= 80
    assert "  a_long_name['the first part'] → v1  " in e.text(width=80)


# ---- folding


def network():
    model = nn.mlp(random.key(0), [3, 4, 4, 2])
    x, y = np.ones((5, 3)), np.array([0, 1, 0, 1, 0])

    def loss(model):
        logits = model(x)
        return nn.softmax_cross_entropy(logits, y)

    return wengert.explain(loss)(model)


def rows(text):
    """The first column of the table of steps, inputs left out."""
    lines = text.split("\n\n")[1].splitlines()
    start = lines[0].index("operation")
    return [line[:start].rstrip()[2:] for line in lines[1:] if " input " not in line]


def test_layers_and_functions_fold_and_unfold():
    e = network()
    assert rows(e.text(width=140, unfold=0)) == ["▸ model Sequential", "▸ softmax_cross_entropy()"]
    assert rows(e.text(width=140, unfold=1))[:6] == [
        "▾ model Sequential",
        "  ▸ layers[0] Dense(3 → 4)",
        "  ▸ layers[1] Activation(relu)",
        "  ▸ layers[2] Dense(4 → 4)",
        "  ▸ layers[3] Activation(relu)",
        "  ▸ layers[4] Dense(4 → 2)",
    ]
    opened = rows(e.text(width=140, unfold="layers[2]"))
    assert opened[:6] == [
        "▾ model Sequential",
        "  ▸ layers[0] Dense(3 → 4)",
        "  ▸ layers[1] Activation(relu)",
        "  ▾ layers[2] Dense(4 → 4)",
        "    v5",
        "    v6",
    ]
    assert opened[-1] == "▸ softmax_cross_entropy()"
    both = rows(e.text(width=140, unfold=["layers[0]", "softmax_cross_entropy"]))
    assert {"    v1", "    v2", "  v11"} <= set(both)
    assert rows(e.text(width=140, unfold=True))[:2] == ["v1", "v2"]


def test_a_fold_says_how_many_steps_its_last_value_and_its_gradient():
    e = network()
    row = next(line for line in e.text(width=160, unfold=1).splitlines() if "layers[0] Dense" in line)
    assert "2 steps, v1 … v2" in row
    assert "f64[5,4]" in row
    assert f"|∂| {np.linalg.norm(e['v2'].gradient):.4g}" in row


def test_folds_open_as_far_as_the_rows_suffice():
    def f(x):
        for _ in range(4):
            for _ in range(40):
                x = np.sin(x)
            x = x + 1.0
        return x

    e = wengert.explain(f)(0.5)
    shown = rows(e.text(width=120, most=30))
    assert shown[0] == "▾ for _ in range(4), 4 turns"
    assert shown.count("    ▸ for _ in range(40), 40 turns") == 4
    assert rows(e.text(width=120, most=10, unfold=0)) == ["▸ for _ in range(4), 4 turns"]
    for most in (12, 30, 60, 100):
        assert len(rows(e.text(width=120, most=most))) <= most


def test_folded_text_fits_the_width():
    e = network()
    for width in (60, 80, 120):
        assert max(map(len, e.text(width=width, unfold=1).split("\n\n")[1].splitlines())) <= width


def test_parts_of_one_model_are_shown_and_found_without_its_name():
    e = network()
    assert e.prefix == "model."
    assert e["layers[2].bias"] is e["model.layers[2].bias"]
    text = e.text(width=140, unfold=True)
    assert "v4 @ layers[2].weight" in text
    assert "\n  layers[2].weight → v5" in text
    assert wengert.explain(lambda model, x: np.sum(model(x)))(nn.Dense(np.eye(2)), np.ones((1, 2))).prefix == ""


def test_arguments_held_constant_are_called_by_their_names():
    def loss(w, x, scale):
        return np.sum((x @ w) ** 2) * scale["of"][0]

    x = np.ones((9, 2))
    e = wengert.explain(loss, argnums=0)(np.ones(2), x, {"of": [np.array(2.0)]})
    assert e["v1"].labels == ("x", "")
    assert e["v1"].values[0] is not x
    text = e.text(width=120)
    assert "x @ w" in text
    assert e.steps[0].operands[0].tolist() == x.tolist()
    written = wengert.explain(lambda w, x: np.sum(w * np.add(x, 1.0)), argnums=0)(np.ones(2), np.ones(2))
    assert written["v1"].labels == ()
