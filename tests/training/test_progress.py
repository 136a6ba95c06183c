"""What is shown during training, and where."""

import re
import sys

import numpy as np
import pytest

from wengert import nn, optim, random, training
from wengert.errors import ModelError


def model(seed=0, dropout=0.0, dtype=np.float64):
    return nn.mlp(random.key(seed), [3, 8, 2], dropout=dropout, dtype=dtype)


def fit(*args, **kwargs):
    chosen = {
        "loss": nn.softmax_cross_entropy,
        "optimizer": optim.adam(0.01),
        "epochs": 3,
        "progress": "none",
    }
    return training.fit(*args, **{**chosen, **kwargs})


def test_one_line_an_epoch_on_stderr(problem, capsys):
    fit(model(), *problem, epochs=12, progress="auto", metrics={"accuracy": nn.accuracy})
    out, err = capsys.readouterr()
    lines = err.splitlines()
    assert out == ""
    assert len(lines) == 12
    assert re.match(r"epoch  2/12  loss \d\.\d+  accuracy 0\.\d+  validation_loss", lines[1])
    assert "validation_accuracy" in lines[1]
    assert "norm" not in err


def test_a_bar_on_a_terminal(problem, monkeypatch, capsys):
    monkeypatch.setattr(sys.stderr, "isatty", lambda: True, raising=False)
    fit(model(), *problem, progress="auto")
    err = capsys.readouterr().err
    assert "training" in err
    assert "3/3" in err
    assert "validation_loss" in err
    assert "epoch 1/3" not in err


def test_progress_none_is_silent_and_other_words_are_refused(problem, capsys):
    fit(model(), *problem)
    assert capsys.readouterr() == ("", "")
    with pytest.raises(ModelError, match='progress is "auto", "rich", "lines" or "none", and not \'loud\''):
        fit(model(), *problem, progress="loud")
