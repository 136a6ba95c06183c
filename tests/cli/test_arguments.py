import pytest

from wengert.cli import main
from wengert.cli._arguments import parser


def parsed(*words):
    return parser().parse_args(["train", "t.csv", *words])


def refused(capsys, *words):
    with pytest.raises(SystemExit) as caught:
        main(list(words))
    assert caught.value.code == 2
    return capsys.readouterr().err


def test_every_option_of_train():
    options = parsed(
        *("--target", "cnt", "--drop", "a", "b", "--drop", "c", "--hidden", "32,16", "--activation", "tanh"),
        *(
            "--optimizer",
            "sgd",
            "--learning-rate",
            "0.5",
            "--epochs",
            "3",
            "--batch-size",
            "8",
            "--seed",
            "7",
        ),
        *("--out", "here", "--task", "regression", "--dropout", "0", "--json", "--quiet"),
    )
    assert options.drop == ["a", "b", "c"]
    assert options.hidden == (32, 16)
    assert (options.learning_rate, options.epochs, options.batch_size, options.seed) == (0.5, 3, 8, 7)
    assert (options.json, options.quiet, options.task) == (True, True, "regression")


def test_no_hidden_layer():
    assert parsed("--hidden", "none").hidden == parsed("--hidden", "").hidden == ()


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (["--hidden", "64,x"], "'x' is not a whole number"),
        (["--hidden", "64,0"], "0 is less than 1"),
        (["--epochs", "0"], "0 is less than 1"),
        (["--batch-size", "2.5"], "'2.5' is not a whole number"),
        (["--learning-rate", "0"], "0 is not a number above 0"),
        (["--learning-rate", "inf"], "inf is not a number above 0"),
        (["--dropout", "1"], "1 is not from 0 up to 1"),
        (["--seed", "-1"], "-1 is not between 0 and"),
        (["--activation", "rely"], "invalid choice: 'rely'"),
        (["--optimizer", "adamm"], "invalid choice: 'adamm'"),
        (["--task", "ranking"], "invalid choice: 'ranking'"),
    ],
)
def test_bad_values_say_what_is_wrong(capsys, words, message):
    error = refused(capsys, "train", "t.csv", f"{words[0]}={words[1]}")
    assert message in error
    assert f"argument {words[0]}" in error


def test_no_command(capsys):
    assert "required: COMMAND" in refused(capsys)


def test_version(capsys):
    with pytest.raises(SystemExit) as caught:
        main(["--version"])
    assert caught.value.code == 0
    assert capsys.readouterr().out.startswith("wengert 0.")


@pytest.mark.parametrize("command", ["train", "predict", "check", "explain"])
def test_help(capsys, command):
    with pytest.raises(SystemExit) as caught:
        main([command, "--help"])
    assert caught.value.code == 0
    assert f"usage: wengert {command}" in capsys.readouterr().out


@pytest.mark.parametrize("words", [["train", "moons", "--out", ""], ["predict", "run", "t.csv", "--out="]])
def test_an_empty_path(words, capsys):
    with pytest.raises(SystemExit) as caught:
        parser().parse_args(words)
    assert caught.value.code == 2
    message = "argument --out: the path is empty; name a place to write to, or leave --out away\n"
    assert capsys.readouterr().err.endswith(message)
