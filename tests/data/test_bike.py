"""The bike sharing table of the lectures (Fanaee-T and Gama, 2013), read as anybody would."""

from pathlib import Path

import numpy as np
import pytest

from wengert.data import Encoding, Table, find_task, split_rows

FOLDER = Path(__file__).parents[2] / ".." / "shared" / "data" / "bike_sharing"

pytestmark = pytest.mark.skipif(not FOLDER.is_dir(), reason=f"the bike sharing tables are not in {FOLDER}")


@pytest.fixture(scope="module")
def hours():
    return Table.read(FOLDER / "hour.csv")


def test_the_table_is_whole(hours):
    assert (len(hours), len(hours.columns)) == (17379, 17)
    assert hours["cnt"].sum() == 3292679  # the sum that the set's authors give: casual and registered
    assert hours["dteday"].dtype == np.dtype("<M8[us]")


def test_rentals_are_an_amount(hours):
    assert find_task(hours, "cnt") == "regression"


def test_hours_and_months_are_levels_and_temperature_is_not(hours):
    encoding = Encoding.fit(hours, "cnt", drop=["instant", "dteday", "casual", "registered"])
    assert {"hr", "hr=23", "mnth=12", "weekday=6", "weathersit=4", "temp"} <= set(encoding.features)
    assert not any(feature.startswith(("temp=", "yr=", "holiday=")) for feature in encoding.features)


def test_a_linear_model_sees_the_hours(hours):
    training, held_out = split_rows(len(hours), 0.2)
    drop = ["instant", "dteday", "casual", "registered"]
    encoding = Encoding.fit(hours.take(training), "cnt", drop=drop)
    x, y = encoding.inputs(hours.take(training)), encoding.targets(hours.take(training))
    w = np.linalg.lstsq(x, y, rcond=None)[0]
    test = hours.take(held_out)
    residuals = encoding.targets(test) - encoding.inputs(test) @ w
    # with the hour as a bare number a linear model explains 0.39
    assert 1 - residuals.var() / encoding.targets(test).var() > 0.65


def test_dates_are_split(hours):
    encoding = Encoding.fit(hours, "cnt")
    assert {"dteday year", "dteday month sin", "dteday day cos", "dteday weekday sin"} <= set(encoding.features)
    assert "dteday hour sin" not in encoding.features


def test_days_work_as_hours_do():
    days = Table.read(FOLDER / "day.csv")
    assert len(days) == 731
    assert Encoding.fit(days, "cnt").inputs(days).shape[0] == 731
