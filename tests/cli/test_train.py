import json
import signal
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from safetensors.numpy import load_file

from wengert import data, training
from wengert.cli import _network, _train, main

BIKES = Path(__file__).parents[2] / ".." / "shared" / "data" / "bike_sharing"
FILES = ["config.json", "history.json", "model.safetensors", "report.html"]


@pytest.fixture
def here(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    return tmp_path


@pytest.fixture
def table(here):
    rng = np.random.default_rng(0)
    x, sky = rng.normal(size=300), rng.integers(0, 2, 300)
    lines = [f"{a:.4f},{'wet' if b else 'dry'},{100 + 10 * a + 5 * b:.3f}" for a, b in zip(x, sky, strict=True)]
    (here / "rides.csv").write_text("temp,sky,n\n" + "\n".join(lines) + "\n")
    return "rides.csv"


def refused(capsys, here, *words, code=2):
    before = sorted(here.rglob("*"))
    assert main(["train", *words, "--epochs", "1"]) == code
    out, err = capsys.readouterr()
    assert (out, err.count("wengert: "), "Traceback" in err) == ("", 1, False)
    assert sorted(here.rglob("*")) == before, "a run that is refused leaves nothing behind"
    return err


# ---- what a run gives -------------------------------------------------------------------------


def test_regression_writes_a_run_and_prints_one_object(table, here, capsys):
    assert main(["train", table, "--target", "n", "--epochs", "60", "--out", "run", "--json"]) == 0
    out, err = capsys.readouterr()
    found = json.loads(out)
    assert list(found) == ["task", "metrics", "baseline", "seconds", "epochs", "parameters", "out"]
    assert (found["task"], list(found["metrics"]), list(found["baseline"])) == (
        "regression",
        ["r2", "rmse", "mae"],
        ["mean", "linear"],
    )
    assert sorted(path.name for path in (here / "run").iterdir()) == FILES
    assert found["metrics"]["r2"] > 0.95
    assert found["baseline"]["linear"]["r2"] > 0.999, "the table is linear"
    assert found["baseline"]["mean"]["r2"] <= 0
    assert (found["out"], found["parameters"]) == ("run", 3 * 64 + 64 + 64 * 64 + 64 + 64 + 1)
    assert 1 <= found["epochs"] <= 60
    assert err, "progress goes to standard error"


def test_classification(here, capsys):
    assert main(["train", "moons", "--out", "run", "--json", "--quiet"]) == 0
    out, err = capsys.readouterr()
    found = json.loads(out)
    assert (found["task"], list(found["metrics"])) == ("classification", ["accuracy", "log_loss"])
    assert list(found["baseline"]) == ["majority", "linear"]
    assert found["metrics"]["accuracy"] > 0.95 > found["baseline"]["linear"]["accuracy"]
    assert found["baseline"]["majority"]["accuracy"] == pytest.approx(0.5, abs=0.05)
    assert err == ""


def test_what_is_written_says_how_it_was_made(table, here):
    words = ["train", table, "--target", "n", "--hidden", "8", "--epochs", "3", "--out", "run", "--quiet"]
    assert main(words) == 0
    config = json.loads((here / "run/config.json").read_text())
    assert config["settings"]["hidden"] == [8]
    assert config["command"] == "wengert " + " ".join(words)
    assert config["result"]["epochs"] == 3
    assert len(json.loads((here / "run/history.json").read_text())["columns"]["loss"]) == 3
    shapes = sorted(array.shape for array in load_file(here / "run/model.safetensors").values())
    assert shapes == [(1,), (3, 8), (8,), (8, 1)]
    page = (here / "run/report.html").read_text()
    assert "<h1>rides</h1>" in page
    assert "http://" not in page.replace("http://www.w3.org", "")
    assert "https://" not in page


def test_the_seed_decides(table, here, capsys):
    def trained(seed, out):
        main(
            [
                "train",
                table,
                "--target",
                "n",
                "--epochs",
                "2",
                "--seed",
                seed,
                "--out",
                out,
                "--json",
                "--quiet",
            ]
        )
        return json.loads(capsys.readouterr().out)["metrics"]

    assert trained("1", "a") == trained("1", "b") != trained("2", "c")


def test_the_result_as_text(table, here, capsys):
    assert main(["train", table, "--target", "n", "--epochs", "1", "--quiet"]) == 0
    out = capsys.readouterr().out
    assert "network" in out
    assert "linear" in out
    (run,) = (here / "runs").iterdir()
    assert run.name.startswith("rides-")
    assert f"{Path('runs', run.name, 'report.html')}" in out


def test_pictures_have_their_samples_and_their_confusion(here, capsys):
    assert main(["train", "digits", "--epochs", "1", "--hidden", "16", "--out", "run", "--quiet"]) == 0
    page = (here / "run/report.html").read_text()
    assert "<h1>digits</h1>" in page
    assert page.count("data:image/png") + page.count("<image") >= 10


@pytest.mark.parametrize("optimizer", ["sgd", "momentum", "nesterov", "adagrad", "rmsprop", "adam", "adamw"])
def test_every_optimiser_learns_with_its_usual_rate(table, here, capsys, optimizer):
    words = ["--target", "n", "--optimizer", optimizer, "--epochs", "20", "--json", "--quiet", "--out", "run"]
    assert main(["train", table, *words]) == 0
    assert json.loads(capsys.readouterr().out)["metrics"]["r2"] > 0.9


def test_a_linear_network_reaches_the_linear_baseline(table, here, capsys):
    words = [
        "--target",
        "n",
        "--hidden",
        "none",
        "--epochs",
        "100",
        "--json",
        "--quiet",
        "--learning-rate",
        "0.03",
    ]
    assert main(["train", table, *words, "--out", "run"]) == 0
    found = json.loads(capsys.readouterr().out)
    assert found["metrics"]["r2"] == pytest.approx(found["baseline"]["linear"]["r2"], abs=1e-3)


# ---- what is refused --------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("content", "message"),
    [
        ("", "is empty"),
        ("a,n\n", "no rows below them"),
        ("a,n\n1,2\n", '"t" has 1 row'),
        ("a,n\n1,2\n2,3.5\n", "to learn, to stop in time and to test takes 10 or more"),
        (
            "a,n\n" + "1,\n2,5\n" * 9,
            'the target "n" has no value in 9 of 18 rows (rows 1, 3, 5, 7, 9 and 4 more)',
        ),
        ("a,n\n" + "1,inf\n2,5.5\n" * 9, 'column "n" is infinite in 9 of 18 rows'),
        ("a,n\n" + "inf,1.5\n2,5.5\n" * 9, 'column "a" is infinite'),
        ("a,n\n" + "1,7\n" * 12, 'the target "n" is 7 in every one of the 12 rows'),
        ("a,a\n1,2\n", 'has 2 columns called "a"'),
        ("a,n\n" + "".join(f"1,{i}\n" for i in range(12)), "has no column left to learn from"),
        (bytes(range(256)), "is not a text file in UTF-8"),
    ],
)
def test_bad_tables(here, capsys, content, message):
    (here / "t.csv").write_bytes(content if isinstance(content, bytes) else content.encode())
    assert message in refused(capsys, here, "t.csv", "--target", "n")


def test_a_target_that_is_not_there(table, here, capsys):
    assert '"rides" has no column "N". Did you mean "n"?' in refused(capsys, here, table, "--target", "N")
    assert 'which column of "rides" is to be predicted? Add --target COLUMN, one of: temp, sky, n' in refused(
        capsys, here, table
    )


def test_a_column_to_drop_that_is_not_there(table, here, capsys):
    assert 'no column to drop "tmp". Did you mean "temp"?' in refused(
        capsys, here, table, "--target", "n", "--drop", "tmp"
    )


def test_text_and_regression(table, here, capsys):
    message = refused(capsys, here, table, "--target", "sky", "--task", "regression")
    assert 'the target "sky" is text' in message
    assert "regression predicts numbers" in message


@pytest.mark.parametrize(
    ("name", "message"),
    [
        ("absent.csv", 'there is no file "absent.csv"'),
        ("digit", 'Did you mean "digits"?'),
        (".", '"." is a directory'),
    ],
)
def test_tables_that_are_none(here, capsys, name, message):
    assert message in refused(capsys, here, name)


def test_an_unknown_kind_of_file(here, capsys):
    (here / "t.xlsx").write_text("x")
    assert '"t.xlsx" ends in ".xlsx"' in refused(capsys, here, "t.xlsx", "--target", "n")


@pytest.mark.parametrize("out", ["rides.csv", "rides.csv/run", "/proc/absent/run"])
def test_a_directory_that_cannot_be_written_is_found_before_training(table, here, capsys, out, monkeypatch):
    monkeypatch.setattr(_network, "fit", lambda *_a, **_k: pytest.fail("it trained"))
    assert "for --out" in refused(capsys, here, table, "--target", "n", "--out", out)


def test_without_safetensors_nothing_is_trained(table, here, capsys, monkeypatch):
    monkeypatch.setattr(_train, "find_spec", lambda _name: None)
    monkeypatch.setattr(_network, "fit", lambda *_a, **_k: pytest.fail("it trained"))
    assert "pip install 'wengert[models]'" in refused(capsys, here, table, "--target", "n")


def test_a_class_of_one_row_is_learned_from(here, capsys):
    lines = "".join(f"{i / 3:.3f},{'rare' if i == 7 else 'ab'[i % 2]}\n" for i in range(40))
    (here / "t.csv").write_text("x,y\n" + lines)
    assert main(["train", "t.csv", "--target", "y", "--epochs", "1", "--out", "run", "--quiet"]) == 0
    assert json.loads((here / "run/config.json").read_text())["encoding"]["target"]["labels"] == [
        "a",
        "b",
        "rare",
    ]


def test_training_that_diverges_writes_nothing(table, here, capsys):
    words = ["--target", "n", "--optimizer", "sgd", "--learning-rate", "1e200", "--activation", "identity"]
    message = refused(capsys, here, table, *words, "--dropout", "0", code=1)
    assert "training has diverged; lower --learning-rate (it was 1e+200)" in message


# ---- Ctrl-C -----------------------------------------------------------------------------------


def test_ctrl_c_keeps_what_was_reached(here):
    program = "import sys; from wengert.cli import main; sys.exit(main())"
    words = ["train", "digits", "--epochs", "100000", "--out", "run", "--json"]
    process = subprocess.Popen(
        [sys.executable, "-c", program, *words], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    )
    for _ in range(3):
        assert process.stderr.readline().startswith("epoch ")
    process.send_signal(signal.SIGINT)
    out, err = process.communicate(timeout=120)
    assert process.returncode == 130, err
    assert "Traceback" not in err
    assert sorted(path.name for path in (here / "run").iterdir()) == FILES
    assert 1 <= json.loads(out)["epochs"] < 100000


def test_ctrl_c_in_the_first_epoch_keeps_what_its_steps_reached(table, here, monkeypatch, capsys):
    def interrupted(model, *_args, **_options):
        return training.Result(model, training.History(), interrupted=True, best_epoch=0)

    monkeypatch.setattr(_network, "fit", interrupted)
    assert main(["train", table, "--target", "n", "--out", "run"]) == 130
    assert capsys.readouterr().out.startswith("interrupted; the best model so far is kept\n")
    assert sorted(path.name for path in (here / "run").iterdir()) == FILES
    assert main(["predict", "run", table]) == 0


def test_ctrl_c_while_writing_leaves_nothing(table, here, monkeypatch, capsys):
    def interrupted(*_args):
        raise KeyboardInterrupt

    monkeypatch.setattr(_train, "write_report", interrupted)
    assert main(["train", table, "--target", "n", "--epochs", "1", "--out", "deep/run"]) == 130
    assert "nothing was written" in capsys.readouterr().err
    assert [path.name for path in here.iterdir()] == [table]


# ---- the figures the defaults are held to -----------------------------------------------------


def test_digits(here, capsys):
    assert main(["train", "digits", "--out", "run", "--json", "--quiet"]) == 0
    found = json.loads(capsys.readouterr().out)
    assert found["metrics"]["accuracy"] >= 0.97


@pytest.mark.skipif(not BIKES.is_dir(), reason=f"the bike sharing tables are not in {BIKES}")
@pytest.mark.parametrize(("name", "least"), [("hour", 0.93), ("day", 0.7)])
def test_bikes(here, capsys, name, least):
    words = ["--target", "cnt", "--drop", "instant", "dteday", "casual", "registered"]
    assert main(["train", str(BIKES / f"{name}.csv"), *words, "--out", "run", "--json", "--quiet"]) == 0
    found = json.loads(capsys.readouterr().out)
    assert found["metrics"]["r2"] >= least
    assert found["metrics"]["r2"] > found["baseline"]["linear"]["r2"]


def test_a_table_that_polars_wrote(here, capsys):
    table = data.breast_cancer()
    polars = pytest.importorskip("polars")
    polars.DataFrame({name: column.tolist() for name, column in table.columns.items()}).write_parquet("t.parquet")
    assert main(["train", "t.parquet", "--target", "diagnosis", "--out", "run", "--json", "--quiet"]) == 0
    assert json.loads(capsys.readouterr().out)["metrics"]["accuracy"] > 0.93
