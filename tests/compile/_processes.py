"""Python in a process of its own."""

import os
import subprocess
import sys
from pathlib import Path


def python(program: str, **environment: str) -> str:
    """What a program prints."""
    done = run(program, **environment)
    assert done.returncode == 0, done.stderr
    return done.stdout


def run(program: str, *arguments: str, **environment: str) -> "subprocess.CompletedProcess[str]":
    """A finished process."""
    return start(program, *arguments, **environment)[1]()


def start(program: str, *arguments: str, **environment: str):
    """A process, and how to wait for it."""
    source = str(Path(__file__).parents[2] / "src")
    path = os.pathsep.join(filter(None, [source, os.environ.get("PYTHONPATH")]))
    process = subprocess.Popen(
        [sys.executable, "-c", program, *arguments], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
        env={**os.environ, "PYTHONPATH": path, **environment},
    )  # fmt: skip

    def wait() -> "subprocess.CompletedProcess[str]":
        out, err = process.communicate(timeout=300)
        return subprocess.CompletedProcess(process.args, process.returncode, out, err)

    return process, wait
