import os
import subprocess
import sys
import warnings

import pytest

from wengert.cli import _main, main
from wengert.data import DataWarning
from wengert.errors import DataError, GradientCheckError, ShapeError


@pytest.fixture
def failing(monkeypatch):
    """The command `train` does this instead."""

    def replace(act):
        monkeypatch.setitem(_main._COMMANDS, "train", lambda _options: act())
        return main(["train", "t.csv"])

    return replace


def raising(error):
    def act():
        raise error

    return act


@pytest.mark.parametrize(
    ("error", "code", "message"),
    [
        (DataError("no such column"), 2, "wengert: no such column\n"),
        (ShapeError("shapes differ"), 2, "wengert: shapes differ\n"),
        (GradientCheckError("sin is wrong"), 1, "wengert: sin is wrong\n"),
        (OSError(28, "No space left on device", "a.bin"), 1, 'wengert: No space left on device: "a.bin"\n'),
        (
            MemoryError(),
            1,
            "wengert: there is not enough memory for this; use fewer rows, or smaller layers\n",
        ),
        (KeyboardInterrupt(), 130, "wengert: interrupted before anything was reached; nothing was written\n"),
        (
            ZeroDivisionError("x"),
            1,
            "wengert: unexpected ZeroDivisionError: x (set WENGERT_TRACEBACK=1 to see where)\n",
        ),
    ],
)
def test_an_error_is_one_message_and_a_code(failing, capsys, error, code, message):
    assert failing(raising(error)) == code
    assert capsys.readouterr() == ("", message)


def test_a_traceback_is_shown_on_request(failing, capsys, monkeypatch):
    monkeypatch.setenv("WENGERT_TRACEBACK", "1")
    failing(raising(ZeroDivisionError("x")))
    assert "Traceback" in capsys.readouterr().err


def test_warnings_are_lines(failing, capsys):
    def act():
        warnings.warn("left out", DataWarning, stacklevel=1)
        return 0

    assert failing(act) == 0
    assert capsys.readouterr().err == "note: left out\n"


def test_quiet_says_no_notes(monkeypatch, capsys):
    monkeypatch.setitem(_main._COMMANDS, "train", lambda _o: warnings.warn("x", DataWarning, stacklevel=1) or 0)
    main(["train", "t.csv", "--quiet"])
    assert capsys.readouterr().err == ""


def test_a_reader_that_is_gone_is_no_error(tmp_path):
    program = "import sys; from wengert.cli import main; sys.exit(main())"
    reader, writer = os.pipe()
    os.close(reader)
    run = [sys.executable, "-c", program, "train", "moons", "--epochs", "1", "--out", str(tmp_path / "run")]
    done = subprocess.run(run, stdout=writer, stderr=subprocess.PIPE, text=True, check=False)
    os.close(writer)
    assert (done.returncode, "rror" in done.stderr) == (141, False)


def python(program, *words, shell="", path=None):
    """Run a program that is given to Python; ``shell`` closes streams."""
    line = f'exec "$@" {shell}'
    return subprocess.run(
        ["sh", "-c", line, "sh", sys.executable, "-c", program, *words],
        capture_output=True,
        text=True,
        check=False,
        env={**os.environ, **({"PYTHONPATH": str(path)} if path else {})},
    )


MAIN = "import sys; from wengert.cli import main; sys.exit(main())"


def test_an_interruption_while_modules_load(tmp_path):
    interrupted = "import os, signal, time\nos.kill(os.getpid(), signal.SIGINT)\ntime.sleep(60)\n"
    (tmp_path / "numpy.py").write_text(interrupted)
    done = python(MAIN, "train", "moons", path=tmp_path)
    message = "wengert: interrupted before anything was reached; nothing was written\n"
    assert (done.returncode, done.stdout, done.stderr) == (130, "", message)


def test_the_command_itself_loads_nothing():
    program = "import sys, wengert.cli; print('numpy' in sys.modules, 'argparse' in sys.modules)"
    assert python(program).stdout == "False False\n"


@pytest.mark.parametrize("shell", [">&-", "2>&-", ">&- 2>&-"])
def test_closed_streams_are_no_error(tmp_path, shell):
    done = python(MAIN, "train", "moons", "--epochs", "1", "--out", str(tmp_path / "run"), shell=shell)
    assert (done.returncode, "rror" in done.stderr) == (0, False)
    assert (tmp_path / "run" / "config.json").is_file()
    refused = python(MAIN, "train", "no_such_set", shell=shell)
    assert (refused.returncode, "Traceback" in refused.stderr) == (2, False)
    assert ("neither a file nor a built-in set" in refused.stderr) == ("2>&-" not in shell)
