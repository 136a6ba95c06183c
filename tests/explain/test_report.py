"""The training report: one page that stands alone, says what it was given, and survives what it is given."""

import base64
import io
import os
import re
import xml.etree.ElementTree as ET
from dataclasses import dataclass, replace
from html.parser import HTMLParser
from importlib import resources

import numpy as np
import pytest

from wengert.errors import DataError
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
    render,
    write_report,
)

VOID = {"meta", "img", "path", "rect", "circle", "br", "link"}


class Page(HTMLParser):
    """Checks that elements are closed in order; gathers ids, attributes and text."""

    def __init__(self, text):
        super().__init__()
        self.open, self.ids, self.links, self.tags, self.words = [], [], [], [], []
        self.feed(text)
        self.close()
        assert self.open == [], f"left open: {self.open}"

    def handle_starttag(self, tag, attrs):
        self.tags.append((tag, dict(attrs)))
        self.ids += [value for key, value in attrs if key == "id"]
        self.links += [value for key, value in attrs if key in ("href", "src")]
        if tag not in VOID:
            self.open.append(tag)

    def handle_endtag(self, tag):
        if tag not in VOID:
            assert self.open.pop() == tag

    def handle_data(self, data):
        if not self.open or self.open[-1] != "style":
            self.words.append(data)

    @property
    def text(self):
        return " ".join(" ".join(self.words).split())


def classification(**changes):
    report = Report(
        title="flowers",
        task="classification",
        data=DataSummary(
            rows=150,
            columns=[Column("petal", "number", 2, "1 to 7"), Column("place", "category")],
            target="species",
            training_rows=120,
            held_out_rows=30,
            target_counts={"iris": 100, "rose": 50},
            dropped=["id"],
        ),
        layers=[Layer("Dense 1", "5 → 8", 48, "tanh"), Layer("Dense 2", "8 → 2", 18)],
        history={
            "loss": [0.9, 0.5, 0.3, 0.2],
            "validation_loss": [0.8, 0.6, 0.5, 0.7],
            "validation_accuracy": [0.5, 0.7, 0.9, 0.8],
            "learning_rate": [1e-3] * 4,
            "gradient_norm/Dense 1": [1.0, 0.5, 0.2, 0.1],
            "gradient_norm/Dense 2": [2.0, 1.0, 0.5, 0.4],
            "weight_norm/Dense 1": [3.0, 3.1, 3.2, 3.3],
            "weight_norm/Dense 2": [1.0, 1.1, 1.2, 1.3],
        },
        metrics={"accuracy": 0.9, "log_loss": 0.31},
        baselines={"linear": {"accuracy": 0.8, "log_loss": 0.5}, "majority": {"accuracy": 0.6}},
        best_epoch=3,
        confusion=Confusion(["iris", "rose"], [[17, 1], [2, 10]]),
        settings={"hidden": (8,), "patience": None, "standardised": True, "learning_rate": 0.001},
        seconds=1.25,
        command="wengert train flowers.csv --target species",
    )
    return replace(report, **changes)


def regression(rng, count=200, **changes):
    actual = rng.normal(100, 20, count)
    report = classification(
        task="regression",
        data=replace(classification().data, target="price", target_counts=None, target_values=actual),
        confusion=None,
        predictions=Predictions(actual, actual + rng.normal(0, 5, count)),
        metrics={"r2": 0.93, "rmse": 5.1},
        baselines={"mean": {"r2": 0.0, "rmse": 20.0}},
    )
    return replace(report, **changes)


@dataclass(frozen=True)
class Finding:
    """What a report needs of a doctor's finding."""

    title: str
    severity: str
    sentence: str
    remedy: str


def plane(**changes):
    at = np.linspace(0, 1, 6)
    p = np.stack([np.tile(1 - at, (6, 1)), np.tile(at, (6, 1))], axis=-1)
    points = [[0.2, 0.3], [0.8, 0.5]]
    return replace(Plane(("east", "north"), at, at, p, points, [0, 1], [True, False], ["iris", "rose"]), **changes)


def test_page_says_what_the_report_holds():
    text = Page(render(classification())).text
    for said in (
        "flowers",
        "2 layers",
        "66 parameters",
        "120 rows",
        "4 epochs",
        "1.2 s",
        "90%",
        "0.31",
        "linear 80%",
        "better than each of the simpler predictors",
        "lowest, 0.5, at epoch 3; that model was kept",
        "27 of 30 held-out rows are classified rightly",
        "2 values missing",
        "Left aside: id",
        "5 → 8",
        "tanh",
        "best epoch 3",
        "Gradient norms",
        "Weight norms",
        "wengert train flowers.csv --target species",
    ):
        assert said in text, said


def test_page_needs_nothing_but_itself():
    text = render(classification(samples=[Sample(np.eye(8), "a", "a")]))
    page = Page(text)
    assert all(link.startswith(("#", "data:")) for link in page.links)
    assert not {"script", "link", "iframe", "object"} & {tag for tag, _ in page.tags}
    assert "http" not in text.replace('xmlns="http://www.w3.org/2000/svg"', "")
    assert "@import" not in text
    assert "url(" not in text


def test_page_is_the_same_for_the_same_report(rng):
    report = regression(rng)
    assert render(report) == render(report)


def test_ids_are_unique_and_links_lead_to_them():
    page = Page(render(classification()))
    assert len(page.ids) == len(set(page.ids))
    assert {link[1:] for link in page.links} <= set(page.ids)
    named = [attrs["aria-labelledby"] for _, attrs in page.tags if "aria-labelledby" in attrs]
    assert named
    assert {name for names in named for name in names.split()} <= set(page.ids)


def test_pictures_have_words():
    page = Page(render(classification(samples=[Sample(np.eye(8), "cat", "dog")])))
    assert [attrs["alt"] for tag, attrs in page.tags if tag == "img"] == ["cat, predicted dog"]
    assert all(attrs.get("role") == "img" for tag, attrs in page.tags if tag == "svg")


def test_what_scrolls_can_be_reached_by_keyboard():
    page = Page(render(classification()))
    scrolling = [attrs for _, attrs in page.tags if attrs.get("class") == "scroll"]
    assert scrolling
    assert all(attrs["tabindex"] == "0" and attrs["aria-label"] for attrs in scrolling)


def test_user_text_is_escaped_everywhere():
    evil = '"><script>alert(1)</script>\x00\ud800'
    report = classification(
        title=evil,
        data=DataSummary(3, [Column(evil, evil, 1, evil)], evil, target_counts={evil: 3}, dropped=[evil]),
        layers=[Layer(evil, evil, 2, evil)],
        history={
            "loss": [1.0],
            evil: [2.0],
            f"gradient_norm/{evil}": [1.0],
            f"weight_norm/{evil}": [1.0],
            f"update_norm/{evil}": [1.0],
            f"idle_units/{evil}": [1.0],
            f"activation_mean/{evil}": [1.0],
        },
        metrics={evil: 1.0},
        baselines={evil: {evil: 2.0}},
        confusion=Confusion([evil, "b"], [[1, 1], [1, 1]]),
        samples=[Sample(np.eye(2), evil, "b")],
        settings={evil: evil},
        command=evil,
        notes=[evil],
        findings=[Finding(evil, evil, evil, evil)],
        confidences=Confidences([0.5, 0.9], [True, False]),
        plane=plane(names=(evil, evil), labels=[evil, "b"]),
        importance=[Importance([evil, "b"], evil, 1.0, np.ones((2, 3)), 9)],
        gradients=InputGradients([evil], [1.0], [1.0], evil, [evil]),
        saliency=[Saliency(evil, np.eye(2), np.eye(2))],
    )
    text = render(report)
    page = Page(text)
    assert "<script" not in text
    assert "script" not in {tag for tag, _ in page.tags}
    assert not any(key.startswith("on") for _, attrs in page.tags for key in attrs)
    text.encode()


def contrast(one, other):
    """The WCAG 2 contrast ratio of two colours given as #rrggbb."""

    def luminance(color):
        parts = np.array([int(color[k : k + 2], 16) for k in (1, 3, 5)]) / 255
        linear = np.where(parts <= 0.04045, parts / 12.92, ((parts + 0.055) / 1.055) ** 2.4)
        return float(linear @ [0.2126, 0.7152, 0.0722])

    light, dark = sorted((luminance(one), luminance(other)), reverse=True)
    return (light + 0.05) / (dark + 0.05)


def test_text_and_lines_stand_out_in_light_and_dark():
    style = resources.files("wengert.explain").joinpath("page.css").read_text(encoding="utf-8")
    themes = [dict(re.findall(r"--(\w+):(#\w{6})", block)) for block in re.findall(r":root\{[^}]*\}", style)]
    assert len(themes) == 3
    for theme in themes:
        for ground in ("paper", "desk"):
            assert contrast(theme["ink"], theme[ground]) >= 12
            assert contrast(theme["soft"], theme[ground]) >= 4.5
        assert all(contrast(theme[f"line{k}"], theme["paper"]) >= 3 for k in range(6))
    assert themes[0]["paper"] != themes[1]["paper"]


# ---- reports at their limits ------------------------------------------------------------------


def test_regression_shows_scatter_and_errors(rng):
    text = Page(render(regression(rng))).text
    assert "Predicted against actual price" in text
    assert "Errors: predicted − actual" in text
    assert "Confusion" not in text


def test_error_table_is_the_quantiles_of_the_absolute_errors():
    actual, errors = np.zeros(101), np.arange(101.0) * np.where(np.arange(101) % 2, 1, -1)
    text = Page(render(regression(np.random.default_rng(0), predictions=Predictions(actual, errors)))).text
    for share, off in (("50%", "50"), ("90%", "90"), ("99%", "99"), ("100%", "100")):
        assert f"{share} {off} " in text


def test_one_epoch():
    text = Page(render(classification(history={"loss": [0.5]}, best_epoch=1))).text
    assert "1 epoch" in text
    assert "lowest, 0.5, at epoch 1" in text


def test_no_epoch_at_all():
    page = Page(render(classification(history={}, best_epoch=None)))
    assert "training" not in page.ids


def test_history_that_is_not_finite():
    history = {"loss": [2.0, float("nan"), float("inf"), 1e300], "validation_loss": [float("nan")] * 4}
    text = Page(render(classification(history=history, metrics={"accuracy": float("nan")}))).text
    assert "At epoch 2 the training loss was no longer a finite number" in text
    assert "NaN" in text


def test_loss_that_was_never_finite():
    text = Page(render(classification(history={"loss": [float("nan")] * 3}))).text
    assert "The loss was not a finite number in any epoch" in text
    assert "no finite values" in text


def test_history_with_a_column_cut_short():
    text = render(classification(history={"loss": [3.0, 2.0, 1.0], "validation_loss": [3.0]}))
    assert "at epoch 1" in Page(text).text


def test_epochs_that_do_not_begin_at_one():
    text = Page(render(classification(epochs=[10, 20, 30, 40], best_epoch=30))).text
    assert "at epoch 30; that model was kept" in text


def test_long_history_stays_small():
    losses = np.exp(-np.linspace(0, 5, 100_000)).tolist()
    report = classification(history={"loss": losses, "validation_loss": losses})
    assert len(render(report)) < 300_000
    assert "One epoch in 1,000 in numbers" in render(report)


def test_one_class_predicted_is_said():
    text = Page(render(classification(confusion=Confusion(["no", "yes"], [[40, 0], [9, 0]])))).text
    assert "Every row was predicted to be “no”" in text


def test_a_better_baseline_is_said():
    text = Page(render(classification(baselines={"linear": {"accuracy": 0.95}}))).text
    assert "the simpler predictor “linear” does as well or better (95% against 90%)" in text


def test_two_hundred_classes(rng):
    counts = rng.poisson(0.05, (200, 200)) + np.diag(rng.integers(1, 50, 200))
    names = [f"a species with a long name, number {k}" for k in range(200)]
    report = classification(
        confusion=Confusion(names, counts),
        data=replace(classification().data, target_counts=dict(zip(names, counts.sum(1), strict=True))),
    )
    text = render(report)
    assert len(text) < 500_000
    assert "188 more" in Page(text).text


def test_a_hundred_thousand_points(rng):
    text = render(regression(rng, count=100_000))
    assert len(text.encode()) < 2_000_000
    assert "100,000 points" in Page(text).text


def test_predictions_that_are_not_finite():
    made = Predictions([1.0, 2.0, float("nan")], [float("inf"), 2.0, 3.0])
    text = Page(render(regression(np.random.default_rng(0), predictions=made))).text
    assert "2 predictions are not a finite number" in text
    made = Predictions([1.0], [float("nan")])
    text = Page(render(regression(np.random.default_rng(0), predictions=made))).text
    assert "No prediction is a finite number" in text


def test_sample_images_hold_the_pixels():
    image = np.arange(6.0).reshape(2, 3)
    page = Page(render(classification(samples=[Sample(image, "a", "b")])))
    source = next(attrs["src"] for tag, attrs in page.tags if tag == "img")
    pillow = pytest.importorskip("PIL.Image", exc_type=ImportError)
    drawn = pillow.open(io.BytesIO(base64.b64decode(source.split(",")[1])))
    assert np.array_equal(np.asarray(drawn), np.round(image / 5 * 255))


def test_sample_images_in_colour_and_flat():
    for image in (np.zeros((4, 4)), np.ones((4, 5, 3)), np.full((2, 2), np.nan)):
        Page(render(classification(samples=[Sample(image, "a", "a")])))


def test_every_picture_on_the_page_is_well_formed(rng):
    for report in (classification(), regression(rng), regression(rng, count=5000)):
        pictures = re.findall(r"<svg.*?</svg>", render(report), re.DOTALL)
        assert len(pictures) >= 6
        for text in pictures:
            ET.fromstring(text)
            assert "nan" not in re.sub(r"<(title|desc).*?</\1>", "", text)


# ---- what the network looks at, and how it learned ---------------------------------------------


def test_findings_come_first_with_their_remedies():
    found = [Finding("dead relus", "serious", "hidden 2: 61 % of units are dead", "optim.adam(0.003)")]
    page = Page(render(classification(findings=found)))
    sections = [attrs["id"] for tag, attrs in page.tags if tag == "section"]
    assert sections[0] == "findings"
    for said in (
        "1 thing to look at",
        "Dead relus",
        "serious",
        "hidden 2: 61 % of units are dead",
        "optim.adam(0.003)",
    ):
        assert said in page.text
    assert "none" in Page(render(classification(findings=[]))).text
    assert "findings" not in Page(render(classification())).ids


def test_importance_is_drawn_with_the_worst_first():
    shuffled = np.array([[0.5, 0.5], [0.9, 1.1], [0.5, 0.4]])
    found = Importance(["idle", "needed", "harmful"], "log_loss", 0.5, shuffled, 30)
    text = Page(render(classification(importance=[found]))).text
    assert "needed: 0.5 ± 0.1" in text
    assert text.index("needed:") < text.index("idle:") < text.index("harmful:")
    assert "log loss, 0.5, becomes on 30 held-out rows" in text
    assert "rise of log loss when shuffled" in text
    # of a measure that is better the larger, a fall is harm
    falling = Page(render(classification(importance=[replace(found, measure="accuracy")]))).text
    assert falling.index("harmful:") < falling.index("needed:")


def test_of_two_hundred_columns_twenty_are_drawn_and_all_are_told(rng):
    names = [f"gene {k}" for k in range(200)]
    report = classification(
        importance=[Importance(names, "rmse", 1.0, rng.uniform(size=(200, 5)), 9)],
        gradients=InputGradients(names, rng.uniform(size=200), rng.normal(size=200), "price"),
    )
    text = render(report)
    assert "All 200 columns in numbers" in text
    assert text.count("± ") < 30
    assert len(text) < 200_000
    assert text.index("<details>") < text.index("All 200 columns in numbers")


def test_gradients_are_told_in_their_unit():
    found = InputGradients(["temp", "wind"], [0.5, 2.0], [0.5, -1.0], "rentals", ["season"])
    text = Page(render(classification(gradients=found))).text
    assert "wind: 2 on the whole down: −1" in text
    assert "mean |∂ rentals / ∂ column|" in text
    assert "No derivative by categories and dates: season" in text


def test_pixels_are_shown_as_pictures():
    report = classification(
        importance=[Importance([f"p{k}" for k in range(6)], "log_loss", 0.1, np.full((6, 2), 0.2), 9)],
        image_shape=(2, 3), weights=np.ones((40, 2, 3)), saliency=[Saliency("iris", np.eye(2, 3), np.eye(2, 3))],
    )  # fmt: skip
    page = Page(render(report))
    alts = [attrs["alt"] for tag, attrs in page.tags if tag == "img"]
    assert alts[0] == "permutation importance of 6 pixels"
    assert "the mean gradient of the score of iris" in alts
    assert sum(alt.startswith("weights of unit") for alt in alts) == 40
    assert "8 more" in page.text


def test_layers_over_time():
    history = {
        **classification().history,
        "update_norm/Dense 1": [0.003, 0.003, 0.003, 0.0033],
        "update_norm/Dense 2": [0.0, 0.1, 0.1, 0.1],
        "idle_units/Dense 1": [0.0, float("nan"), 0.5, float("nan")],
        "flat_share/Dense 1": [0.5, float("nan"), 0.5, float("nan")],
        "activation_mean/Dense 1": [-0.5, float("nan"), 0.5, float("nan")],
        "activation_std/Dense 1": [1.0, float("nan"), 1.0, float("nan")],
    }
    text = Page(render(classification(history=history))).text
    assert "Activations were sampled after 2 epochs of 4" in text
    assert "epoch 1 Dense 1: 0.001 Dense 2: 0" in text  # updates by weights
    # what was sampled holds until the next look
    assert "epoch 2 Dense 1: 0%" in text
    assert "epoch 4 Dense 1: 50%" in text


def test_norms_are_left_out_where_there_are_none():
    assert "flow" not in Page(render(classification(history={"loss": [1.0, 2.0]}))).ids


def test_calibration_is_told_with_its_direction():
    made = Confidences([0.95] * 10, [True] * 5 + [False] * 5)
    text = Page(render(classification(confidences=made))).text
    assert "Expected calibration error 45%" in text
    assert "45% more confident than right" in text


def test_planes_of_classes_and_of_numbers(rng):
    assert "iris is the likeliest on 50% of the plane" in Page(render(classification(plane=plane()))).text
    numbers = plane(outputs=np.ones((6, 6)) * np.linspace(0, 9, 6), labels=(), actual=[1.0, 8.0])
    text = Page(render(regression(rng, plane=numbers))).text
    assert "Predicted price over the plane" in text
    assert "values from 0 to 9" in text


def test_a_single_held_out_row():
    made = Predictions([3.0], [2.0])
    text = Page(render(regression(np.random.default_rng(0), predictions=made))).text
    assert "Errors by prediction" in text
    assert "Are the errors normal?" not in text


# ---- writing ----------------------------------------------------------------------------------


def test_written_page_is_the_rendered_one(tmp_path):
    path = tmp_path / "report.html"
    write_report(path, classification())
    assert path.read_text(encoding="utf-8") == render(classification())
    assert list(tmp_path.iterdir()) == [path]


def test_a_failed_write_leaves_the_old_page_and_nothing_else(tmp_path, monkeypatch):
    path = tmp_path / "report.html"
    path.write_text("the old page")

    def full(_):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(os, "fsync", full)
    with pytest.raises(DataError, match=r"report\.html\" cannot be written: No space left on device"):
        write_report(path, classification())
    assert path.read_text() == "the old page"
    assert list(tmp_path.iterdir()) == [path]


def test_a_directory_that_is_not_there(tmp_path):
    with pytest.raises(DataError, match="cannot be written: No such file or directory"):
        write_report(tmp_path / "absent" / "report.html", classification())
