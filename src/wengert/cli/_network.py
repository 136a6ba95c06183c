"""The network of a run: how it is built, trained, stored and found again."""

from __future__ import annotations

import math
import time
from collections.abc import Callable, Iterable
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, Literal

from numpy.typing import NDArray

from wengert import nn, random
from wengert.cli._files import read_json
from wengert.cli._optimizers import OPTIMIZERS, optimizer
from wengert.data import Encoding, split_rows
from wengert.errors import DataError, ModelError, WengertError
from wengert.training import Epoch, Result, fit, load_model

__all__ = ["HELD_OUT", "Settings", "TrainedRun", "TrainingError", "build", "load_run", "loss_of", "train_network"]

Array = NDArray[Any]
Progress = Literal["auto", "none"]
Callback = Callable[[Epoch], Any]
HELD_OUT = 0.2
VALIDATION = 0.1
#: epochs without a better validation loss before training ends
PATIENCE = 20
LARGE = 10_000


class TrainingError(WengertError):
    """Training came to nothing: the loss is no longer a finite number."""


@dataclass(frozen=True)
class Settings:
    """How a network is built and trained."""

    hidden: tuple[int, ...]
    activation: str
    dropout: float
    optimizer: str
    learning_rate: float
    epochs: int
    batch_size: int
    seed: int

    @staticmethod
    def of(options: Any, rows: int) -> Settings:
        """The settings among the options of the command line, for a table of so many rows."""
        return Settings(
            hidden=options.hidden,
            activation=options.activation,
            dropout=options.dropout,
            optimizer=options.optimizer,
            learning_rate=options.learning_rate or OPTIMIZERS[options.optimizer][1],
            epochs=options.epochs,
            # small tables need more steps an epoch, large ones fewer
            batch_size=options.batch_size or (32 if rows < LARGE else 64),
            seed=options.seed,
        )


def build(encoding: Encoding, settings: Settings) -> nn.Sequential:
    """The network with its initial values: one output for a number, one for each class."""
    outputs = len(encoding.classes) or 1
    sizes = [len(encoding.features), *settings.hidden, outputs]
    return nn.mlp(random.key(settings.seed), sizes, settings.activation, dropout=settings.dropout)


def loss_of(task: str | None) -> Callable[[Any, Any], Any]:
    """What is made small: the cross-entropy of classes, the mean squared error of numbers."""
    return nn.losses.softmax_cross_entropy if task == "classification" else nn.losses.mse


def train_network(
    encoding: Encoding,
    inputs: Array,
    targets: Array,
    settings: Settings,
    progress: Progress = "auto",
    callbacks: Iterable[Callback] = (),
) -> tuple[Result, float]:
    """Train on these rows, a tenth of them set aside to stop at the best epoch.

    Returns the result and its seconds.
    """
    classify = encoding.task == "classification"
    strata = targets if classify else None
    learning, validation = split_rows(len(targets), VALIDATION, settings.seed, strata)
    steps = settings.epochs * math.ceil(len(learning) / settings.batch_size)
    began = time.perf_counter()
    try:
        result = fit(
            build(encoding, settings),
            inputs[learning],
            targets[learning],
            loss=loss_of(encoding.task),
            optimizer=optimizer(settings.optimizer, settings.learning_rate, steps),
            epochs=settings.epochs,
            batch_size=settings.batch_size,
            seed=settings.seed,
            validation=(inputs[validation], targets[validation]),
            patience=PATIENCE,
            metrics={"accuracy": nn.losses.accuracy} if classify else {},
            progress=progress,
            callbacks=callbacks,
        )
    except ModelError as error:
        raise TrainingError(
            f"{str(error).split(':')[0]}: training has diverged; "
            f"lower --learning-rate (it was {settings.learning_rate:g})"
        ) from error
    return result, time.perf_counter() - began


@dataclass(frozen=True)
class TrainedRun:
    """What a directory written by ``wengert train`` holds."""

    encoding: Encoding
    model: nn.Sequential
    task: Literal["regression", "classification"]
    settings: Settings


def to_config(encoding: Encoding, settings: Settings) -> dict[str, Any]:
    """What :func:`load_run` needs beside the numbers of the model."""
    return {"settings": asdict(settings), "encoding": encoding.to_config()}


def load_run(directory: Path) -> TrainedRun:
    """The encoding and the model of a run.

    Raises:
        DataError: if the directory holds no run.
    """
    path = directory / "config.json"
    if not path.is_file():
        raise DataError(f'"{directory}" holds no run (there is no "{path}"); train one: wengert train TABLE')
    config = read_json(path)
    try:
        stored: dict[str, Any] = {**config["settings"], "hidden": tuple(config["settings"]["hidden"])}
        settings = Settings(**stored)
        encoding = Encoding.from_config(config["encoding"])
    except (KeyError, TypeError) as error:
        raise DataError(f'"{path}" was not written by wengert train ({error!r}); train again') from error
    if encoding.task is None:
        raise DataError(f'"{path}" has no target; train again')
    model = load_model(directory / "model.safetensors", build(encoding, settings))
    return TrainedRun(encoding, model, encoding.task, settings)
