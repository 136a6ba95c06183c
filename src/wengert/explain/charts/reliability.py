"""Whether a classifier is as often right as it says: the reliability diagram and its error."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray

from wengert.explain.charts.elements import WIDTH, Frame, color, escape, label, mix, path, picture, place, tag
from wengert.explain.charts.numbers import Scale, count, percent
from wengert.explain.charts.scatter import diagonal

__all__ = ["Reliability", "reliability", "reliability_chart"]

_BINS = 10
_LIKELY = 1.96  # deviations of a normal that hold 95 %


@dataclass(frozen=True)
class Reliability:
    """Rows by the confidence of their predictions, in equal bins of [0, 1].

    Args:
        counts: rows of each bin.
        confidence: the mean confidence in each bin; NaN where there is no row.
        accuracy: the share of right predictions in each bin; NaN where there is no row.
    """

    counts: NDArray[np.int64]
    confidence: NDArray[np.float64]
    accuracy: NDArray[np.float64]

    @property
    def error(self) -> float:
        """The expected calibration error Σ n_b/n · |accuracy_b − confidence_b|.

        M. Naeini, G. Cooper, M. Hauskrecht, "Obtaining well calibrated probabilities using Bayesian binning", AAAI
        2015; C. Guo, G. Pleiss, Y. Sun, K. Weinberger, "On calibration of modern neural networks", ICML 2017.
        """
        held = self.counts > 0
        gaps = np.abs(self.accuracy - self.confidence)[held]
        return float(np.sum(self.counts[held] * gaps) / max(self.counts.sum(), 1))

    @property
    def overconfidence(self) -> float:
        """Mean confidence less accuracy over all rows: above 0 it promises more than it keeps."""
        held = self.counts > 0
        gaps = (self.confidence - self.accuracy)[held]
        return float(np.sum(self.counts[held] * gaps) / max(self.counts.sum(), 1))


def reliability(confidence: ArrayLike, right: ArrayLike, bins: int = _BINS) -> Reliability:
    """Gather predictions by confidence.

    Args:
        confidence: (n,) the probability given to the predicted class.
        right: (n,) whether that class is the actual one.
        bins: how many equal bins [0, 1] is cut into.

    Example:
        >>> from wengert.explain.charts import reliability
        >>> reliability([0.95, 0.95, 0.65, 0.65], [True, True, True, False]).error
        0.1
    """
    sure, good = np.asarray(confidence, float), np.asarray(right, float)
    drawable = np.isfinite(sure)
    sure, good = sure[drawable], good[drawable]
    places = np.clip((sure * bins).astype(int), 0, bins - 1)
    counts = np.bincount(places, minlength=bins)
    with np.errstate(invalid="ignore"):
        means = [np.bincount(places, v, minlength=bins) / counts for v in (sure, good)]
    return Reliability(counts, means[0], means[1])


def reliability_chart(name: str, title: str, found: Reliability, *, height: int = 440) -> str:
    """Accuracy by confidence with 95 % intervals (Wilson's), and below how many rows have which confidence.

    Example:
        >>> from wengert.explain.charts import reliability, reliability_chart
        >>> reliability_chart("calibration", "Calibration", reliability([0.9, 0.6], [True, False]))[:4]
        '<svg'
    """
    floor = height - 140
    frame = Frame(Scale.fit([0, 1], 46, WIDTH - 14, room=0), Scale.fit([0, 1], floor, 30, room=0), "", "accuracy")
    body = frame.axes(x_grid=True) + diagonal(frame) + _points(frame, found) + _amounts(frame, found, height)
    words = f"expected calibration error {percent(found.error)} over {count(int(found.counts.sum()), 'row')}."
    return picture(name, title, words, WIDTH, height, body)


def _points(frame: Frame, found: Reliability) -> str:
    parts: list[str] = []
    held = np.flatnonzero(found.counts).tolist()
    middles = [(frame.x(found.confidence[k]), frame.y(found.accuracy[k])) for k in held]
    for k, (x, _) in zip(held, middles, strict=True):
        low, high = wilson(float(found.accuracy[k]), int(found.counts[k]))
        parts.append(
            path([(x, frame.y(low)), (x, frame.y(high))], stroke=color("line0"), stroke_opacity=0.5, stroke_width=2)
        )
    for k, (x, y) in zip(held, middles, strict=True):
        words = f"confidence {percent(found.confidence[k])}, accuracy {percent(found.accuracy[k])}, "
        radius = 3.0 + 4.0 * math.sqrt(found.counts[k] / found.counts.max())
        told = tag("title", escape(words + count(int(found.counts[k]), "row")))
        parts.append(tag("circle", told, cx=x, cy=y, r=radius, fill=color("line0"), stroke=color("paper")))
    return "".join(parts)


def wilson(share: float, n: int) -> tuple[float, float]:
    """The 95 % interval of a share of n (E. Wilson, "Probable inference", 1927).

    Example:
        >>> tuple(round(v, 4) for v in wilson(0.5, 10))
        (0.2366, 0.7634)
    """
    z2 = _LIKELY**2
    middle, spread = share + z2 / (2 * n), _LIKELY * math.sqrt(share * (1 - share) / n + z2 / (4 * n * n))
    return max((middle - spread) / (1 + z2 / n), 0.0), min((middle + spread) / (1 + z2 / n), 1.0)


def _amounts(frame: Frame, found: Reliability, height: int) -> str:
    """How many rows have which confidence, under the diagram."""
    floor, tallest = height - 46.0, 44.0
    most = max(int(found.counts.max()), 1)
    edges = np.linspace(0, 1, len(found.counts) + 1)
    parts: list[str] = []
    for k, held in enumerate(found.counts.tolist()):
        left, right, tall = frame.x(edges[k]), frame.x(edges[k + 1]), tallest * held / most
        words = tag("title", escape(f"confidence {percent(edges[k])} to {percent(edges[k + 1])}: {count(held, 'row')}"))
        parts.append(tag("rect", words, x=left + 1, y=floor - max(tall, 1.0 if held else 0.0), width=right - left - 2,
                         height=max(tall, 1.0 if held else 0.0), fill=mix(0.6)))  # fmt: skip
        if held and held >= 0.04 * most:
            parts.append(label((left + right) / 2, floor - tall - 4, f"{held:,}", "middle", font_size=11))
    line = tag("path", None, d=f"M{place(frame.x.start)} {place(floor)}H{place(frame.x.stop)}", stroke=color("rule"))
    name = label((frame.x.start + frame.x.stop) / 2, height - 26.0, "confidence, and how many rows have it", "middle")
    return line + "".join(parts) + name
