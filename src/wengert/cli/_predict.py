"""``wengert predict``: a trained network and a table in, one prediction a row out."""

from __future__ import annotations

import csv
import io
import sys
from argparse import Namespace
from collections.abc import Iterable
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from wengert.cli._codes import OK
from wengert.cli._metrics import probabilities
from wengert.cli._network import TrainedRun, load_run
from wengert.data import load
from wengert.errors import DataError
from wengert.files import write_atomically
from wengert.training import predict as outputs_of

__all__ = ["predict"]


def predict(options: Namespace) -> int:
    """Run the command; 0.

    The CSV has a column ``prediction`` and, for classes, the probability of each: ``p(class)``.
    """
    out = None if options.out is None else _checked(Path(options.out), Path(options.table))
    run = load_run(Path(options.run))
    table = load(options.table)
    outputs = outputs_of(run.model, run.encoding.inputs(table))
    text = _as_csv(run, outputs)
    if out is None:
        sys.stdout.write(text)
    else:
        write_atomically(out, text.encode())
    return OK


def _checked(out: Path, table: Path) -> Path:
    if out.suffix.lower() != ".csv":
        raise DataError(f'predictions are written as CSV; "{out}" does not end in .csv')
    if out.is_dir():
        raise DataError(f'"{out}" is a directory; name a file for --out')
    if out.exists() and table.exists() and out.samefile(table):
        raise DataError(f'--out "{out}" is the table itself, which would be lost; name another file for --out')
    if not out.parent.is_dir():
        raise DataError(f'there is no directory "{out.parent}" for "{out.name}"; make it, or choose another --out')
    return out


def _as_csv(run: TrainedRun, outputs: NDArray[np.float64]) -> str:
    names = [f"p({label})" for label in run.encoding.classes]
    decoded: list[Any] = run.encoding.decode(outputs).tolist()
    rest = probabilities(outputs).tolist() if names else [[]] * len(decoded)
    rows: Iterable[list[Any]] = ([value, *more] for value, more in zip(decoded, rest, strict=True))
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow(["prediction", *names])
    writer.writerows(rows)
    return text.getvalue()
