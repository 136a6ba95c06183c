"""The measures of a predictor: their names as read, and which of two values is better."""

from __future__ import annotations

import math
from collections.abc import Mapping

from wengert.explain.charts.elements import escape
from wengert.explain.charts.numbers import number, percent

__all__ = ["against", "better", "in_sentence", "metric_name", "metric_value", "plain_name", "verdict"]

_NAMES = {
    "accuracy": "Accuracy",
    "lr": "Learning rate",
    "log_loss": "Log loss",
    "loss": "Loss",
    "mae": "Mean absolute error",
    "mse": "Mean squared error",
    "r2": "R²",
    "rmse": "RMSE",
}
_HIGHER_IS_BETTER = {"accuracy", "auc", "f1", "precision", "r2", "recall"}
_SHARES = {"accuracy", "precision", "recall"}


def plain_name(key: str) -> str:
    """A key as words.

    Example:
        >>> plain_name("batch_size")
        'batch size'
    """
    return key.replace("_", " ")


def metric_name(key: str) -> str:
    """The name of a measure as a heading.

    Example:
        >>> metric_name("r2"), metric_name("top_5")
        ('R²', 'Top 5')
    """
    name = plain_name(key)
    return _NAMES.get(key, name[:1].upper() + name[1:])


def in_sentence(key: str) -> str:
    """The name of a measure within a sentence.

    Example:
        >>> in_sentence("r2"), in_sentence("log_loss")
        ('R²', 'log loss')
    """
    name = metric_name(key)
    return name if name[1:2].isupper() or not name[1:2].isalpha() else name[:1].lower() + name[1:]


def metric_value(key: str, value: float) -> str:
    """A value as read: shares in percent."""
    return percent(value) if key in _SHARES else number(value)


def better(key: str, one: float, other: float) -> bool:
    """Whether ``one`` is a better value of the measure than ``other``; NaN is worse than anything."""
    if math.isnan(one) or math.isnan(other):
        return math.isnan(other) and not math.isnan(one)
    return one > other if key in _HIGHER_IS_BETTER else one < other


def verdict(metrics: Mapping[str, float], baselines: Mapping[str, Mapping[str, float]]) -> str:
    """One honest sentence: whether a simpler predictor does as well by the first measure.

    Example:
        >>> verdict({"r2": 0.9}, {"mean": {"r2": 0.0}, "linear": {"r2": 0.4}})
        'By R² it is better than each of the simpler predictors.'
    """
    key = next(iter(metrics), None)
    rivals = {name: values[key] for name, values in baselines.items() if key in values} if key else {}
    if not key or not rivals:
        return ""
    winners = [name for name, value in rivals.items() if not better(key, metrics[key], value)]
    title = in_sentence(key)
    if not winners:
        return f"By {title} it is better than each of the simpler predictors."
    best = winners[0]
    return (
        f"By {title} the simpler predictor “{plain_name(best)}” does as well or better "
        f"({metric_value(key, rivals[best])} against {metric_value(key, metrics[key])})."
    )


def against(key: str, baselines: Mapping[str, Mapping[str, float]]) -> str:
    """The baselines' values of one measure, in a line of markup."""
    told = [
        f"{plain_name(name)} {metric_value(key, values[key])}" for name, values in baselines.items() if key in values
    ]
    return escape(" · ".join(told))
