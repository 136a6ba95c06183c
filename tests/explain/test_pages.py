"""Pages opened in a browser: no error, no request, nothing wider than the window."""

import numpy as np
import pytest

from wengert.explain.report import Column, DataSummary, Layer, Predictions, Report, render


@pytest.fixture
def report() -> Report:
    x = np.linspace(0.0, 1.0, 50)
    return Report(
        title="bikes",
        task="regression",
        data=DataSummary(rows=731, columns=[Column("temp", "number")], target="rentals", target_values=x),
        layers=[Layer("Dense", "1 → 1", 2)],
        history={"loss": [1.0, 0.5, 0.4], "validation_loss": [1.1, 0.7, 0.6]},
        metrics={"r2": 0.4},
        best_epoch=3,
        predictions=Predictions(x, x**2),
    )


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("width", [1280, 480])
def test_a_report_fits_its_window(visit, report, width, scheme):
    page = visit(render(report), width=width, scheme=scheme)
    page.keep(f"report-{width}-{scheme}")
    assert page.locator("h1").inner_text() == "bikes"
    assert page.evaluate("document.documentElement.scrollWidth <= innerWidth")
