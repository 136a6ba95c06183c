"""Results as lines of text."""

from __future__ import annotations

from collections.abc import Mapping

__all__ = ["comparison", "table"]


def comparison(metrics: Mapping[str, float], baseline: Mapping[str, Mapping[str, float]]) -> str:
    """The network's metrics beside those of simpler predictors.

    Example:
        >>> print(comparison({"r2": 0.95}, {"mean": {"r2": -0.001}, "linear": {"r2": 0.68}}))
        held out  network    mean  linear
              r2     0.95  -0.001    0.68
    """
    head = ["held out", "network", *baseline]
    rows = [
        [key, f"{value:.4g}", *(f"{each[key]:.4g}" for each in baseline.values())] for key, value in metrics.items()
    ]
    return table([head, *rows])


def table(rows: list[list[str]]) -> str:
    """Rows of text in columns, each set to the right."""
    widths = [max(len(row[i]) for row in rows) for i in range(len(rows[0]))]
    return "\n".join("  ".join(cell.rjust(w) for cell, w in zip(row, widths, strict=True)) for row in rows)
