"""Pages opened in a browser: no error, no request, nothing wider than the window."""

import numpy as np
import pytest

from wengert.explain.report import (
    Column,
    Confidences,
    Confusion,
    DataSummary,
    Importance,
    InputGradients,
    Layer,
    Plane,
    Predictions,
    Report,
    Saliency,
    Sample,
    history_html,
    render,
)
from wengert.training import History


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


@pytest.fixture
def full(rng) -> Report:
    """A report with every section that a classification may have."""
    at, epochs = np.linspace(-1, 1, 30), 120
    lead = np.add.outer(at, at**2)
    shares = np.stack([1 / (1 + np.exp(-6 * lead)), 1 / (1 + np.exp(6 * lead))], axis=-1)
    points = rng.uniform(-1, 1, (200, 2))
    layers = [f"dense {k}" for k in range(1, 4)]
    history = {"loss": np.exp(-np.linspace(0, 5, epochs)), "validation_loss": 0.1 + np.exp(-np.linspace(0, 4, epochs))}
    for kind in ("gradient_norm", "update_norm", "weight_norm", "idle_units", "flat_share", "activation_mean"):
        history |= {f"{kind}/{layer}": rng.uniform(0.01, 0.9, epochs) for layer in layers}
    return Report(
        title="a data set with a rather long name, as they often have",
        task="classification",
        data=DataSummary(200, [Column("temperature", "number", 3, "0 to 1")], "species", 160, 40),
        layers=[Layer(name, "64 → 64", 4160, "relu") for name in layers],
        history=history,
        metrics={"accuracy": 0.9, "log_loss": 0.3},
        best_epoch=90,
        confusion=Confusion(["iris", "rose"], [[17, 1], [2, 10]]),
        confidences=Confidences(rng.uniform(0.5, 1, 400), rng.uniform(size=400) < 0.8),
        plane=Plane(("temperature of the water", "salinity"), at, at, shares, points,
                    (points.sum(1) < 0).astype(int), rng.uniform(size=200) < 0.2, ["iris", "rose"]),
        importance=[Importance([f"column number {k}" for k in range(40)], "log_loss", 0.3, rng.uniform(size=(40, 5)), 40)],
        gradients=InputGradients(["temperature", "salinity"], [0.2, 0.1], [0.1, -0.1], "probability"),
        saliency=[Saliency(name, rng.uniform(size=(8, 8)), rng.normal(size=(8, 8))) for name in ("iris", "rose")],
        weights=rng.normal(size=(40, 8, 8)),
        samples=[Sample(rng.uniform(size=(8, 8)), "iris", "rose")],
    )  # fmt: skip


@pytest.mark.parametrize(("width", "zoom", "scheme"), [(1280, 1, "light"), (1280, 2, "dark"), (480, 1, "dark")])
def test_a_full_report_fits_its_window_without_scripts(visit, full, width, zoom, scheme):
    page = visit(render(full), width=width, zoom=zoom, scheme=scheme)
    page.keep(f"full-report-{width}-{zoom}-{scheme}")
    assert page.evaluate("document.documentElement.scrollWidth <= innerWidth")
    # every picture is inside its card, and every text of a picture inside the picture
    outside = page.evaluate("""() => [...document.querySelectorAll('.card svg text')].filter(t => {
        const box = t.getBoundingClientRect(), card = t.closest('.card').getBoundingClientRect()
        return box.width && (box.left < card.left || box.right > card.right)
    }).map(t => t.textContent)""")
    assert outside == []
    assert visit(render(full), scripts=False).locator("section").count() == 7


def test_one_picture_of_the_loss_is_shown(visit, full):
    for width in (1280, 480):
        page = visit(render(full), width=width)
        assert [page.locator(kind).is_visible() for kind in (".across", ".within")] == [width > 820, width <= 820]


def test_a_history_shows_itself(visit):
    columns = {"loss": [3.0, 1.0, 0.5], "validation_loss": [3.0, 1.0, 2.0], "accuracy": [0.1, 0.5, 0.9]}
    page = visit(f"<!doctype html><html lang=en><body>{history_html(History([1, 2, 3], columns))}</body></html>")
    page.keep("history")
    assert page.locator("svg").count() == 2
    assert "best epoch 2" in page.locator("svg").first.text_content()
