"""Illnesses of the course of training: read off the losses epoch by epoch, and what is left wrong at the end."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
from numpy.typing import NDArray

from wengert.explain.charts.numbers import number, percent
from wengert.explain.doctor import thresholds
from wengert.explain.doctor.case import Case
from wengert.explain.doctor.finding import Finding
from wengert.explain.doctor.heads import targets_like
from wengert.explain.doctor.rate import decay_of
from wengert.explain.doctor.reference import is_labels

__all__ = ["course_findings"]

Line = NDArray[np.float64]


def course_findings(case: Case) -> Iterator[Finding]:
    """What the history shows."""
    loss = np.asarray(case.columns.get("loss", ()), float)
    held_out = np.asarray(case.columns.get("validation_loss", ()), float)
    if len(loss) < 2:
        return
    positive = bool((loss > 0).all() and (held_out > 0).all())  # ratios of others say nothing
    rising = list(_rising(loss)) if positive else []
    yield from rising
    if len(held_out) == len(loss) >= 5 and positive:
        yield from _overfitted(loss, held_out)
    if not rising:
        yield from _poor_fit(case, loss)


def _rising(loss: Line) -> Iterator[Finding]:
    finite = np.isfinite(loss)
    if not finite.any():
        return
    least = int(np.argmin(np.where(finite, loss, np.inf)))
    end = float(loss[-1])
    if end > thresholds.EXPLODED * float(loss[0]) and end > thresholds.EXPLODED * float(loss[least]):
        yield Finding(
            "rising_loss", "severe",
            f"the training loss ends at {number(end, 3)}: it began at {number(float(loss[0]), 3)} and was least, "
            f"{number(float(loss[least]), 3)}, after epoch {least + 1}",
            "a learning rate of a tenth, or optim.chain(optim.clip_by_global_norm(1.0), optimizer)",
            numbers={"first": float(loss[0]), "least": float(loss[least]), "last": end},
        )  # fmt: skip


def _overfitted(loss: Line, held_out: Line) -> Iterator[Finding]:
    best = int(np.argmin(held_out))
    last = max(1, len(loss) // 5)  # single epochs are noisy
    end, train = float(np.median(held_out[-last:])), float(np.median(loss[-last:]))
    rise, gap = end / max(float(held_out[best]), 1e-300), end / max(train, 1e-300)
    after = held_out[best + 1 :]
    steady = len(after) >= 3 and bool(np.median(after) < after[-1] * 1.05 or rise > 2)
    if (
        rise > thresholds.OVERFITTED and gap > thresholds.OVERFITTED_GAP and train < loss[best] and steady
    ):  # fmt: skip
        yield Finding(
            "overfitting", "serious",
            f"the validation loss was least after epoch {best + 1}, {number(float(held_out[best]), 3)}, and rose to "
            f"{number(end, 3)} while the training loss fell on, to {number(train, 3)}: what is learned since is "
            "the training rows by heart",
            f"patience={max(3, len(loss) // 10)} in training.fit; fewer units, nn.Dropout(0.3), "
            "optim.adamw(weight_decay=0.01), or more rows",
            numbers={"best_epoch": float(best + 1), "rise": rise, "gap": gap},
        )  # fmt: skip


def _baseline(case: Case) -> float | None:
    """The loss of the best constant outputs, for squares; by entropy for classes."""
    t = targets_like(case.seen.outputs, case.sample[1])
    if t is None:
        return None
    outputs = case.seen.outputs
    if is_labels(case.sample[1], outputs.size // len(outputs)):
        p = np.clip(t.reshape(len(t), -1).mean(axis=0), 1e-12, 1)
        constant = np.log(p) if len(p) > 1 else np.log(p / np.maximum(1 - p, 1e-12))
        return float(case.loss(np.broadcast_to(constant, outputs.shape).astype(outputs.dtype), case.sample[1]))
    mean = np.broadcast_to(t.mean(axis=0), outputs.shape).astype(outputs.dtype)
    return float(case.loss(mean, case.sample[1]))


def _poor_fit(case: Case, loss: Line) -> Iterator[Finding]:
    """An error that is high on the training rows themselves, where neighbours show that it need not be."""
    reference, error = case.reference, case.error
    baseline = _baseline(case)
    half = loss[len(loss) // 2]
    fell = (float(half) - float(loss[-1])) / max(abs(float(half)), 1e-300)
    stuck = fell < thresholds.PLATEAU and len(loss) >= thresholds.PLATEAU_EPOCHS
    high = baseline is not None and loss[-1] > thresholds.PLATEAU_ABOVE * baseline
    if reference is None or error is None:
        return
    # for classes the share of a constant's errors that is left
    left, by_neighbours = (e / max(reference.constant, 1e-12) for e in (error, reference.neighbours))
    if by_neighbours > thresholds.UNDERFITTED * left or left < by_neighbours + thresholds.UNDERFITTED_GAP:
        return
    numbers = {"left": left, "neighbours": by_neighbours, "fell": fell}
    told = (
        f"the model leaves {percent(left)} of a constant's errors on its own training rows, the five nearest "
        f"neighbours {percent(by_neighbours)} on rows they have not seen"
    )
    if stuck and high:
        yield Finding(
            "loss_plateau", "serious",
            f"from epoch {len(loss) // 2 + 1} to {len(loss)} the loss "
            + (f"fell by {number(100 * fell, 2)}% only, to" if fell > 0 else "did not fall from")
            + f" {number(float(loss[-1]), 3)}, where constant outputs have {number(baseline or 0.0, 3)}",
            "look at the findings on gradients and initial values first; else a learning rate 3 to 10 times as high",
            numbers={"fell": fell, "loss": float(loss[-1]), "baseline": baseline or 0.0},
        )  # fmt: skip
    decay = decay_of(case)
    if decay > thresholds.DECAY:
        yield Finding(
            "regularisation_too_strong", "serious",
            f"{told}; weight decay pulls at the weights {number(decay, 2)} times as hard as the gradient of the loss",
            "a weight_decay of a tenth or a hundredth",
            numbers={**numbers, "decay": decay},
        )  # fmt: skip
        return
    still = f"; it still falls by {number(100 * fell, 2)}% in the last half of the epochs" if fell > 0.05 else ""
    yield Finding(
        "underfitting", "serious",
        told + still,
        "train for longer, or at a higher rate" if still else "more units or layers, and activations between them",
        numbers=numbers,
    )  # fmt: skip
