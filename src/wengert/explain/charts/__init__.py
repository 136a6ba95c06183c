"""Charts as SVG: lines over epochs, heat strips, predicted against actual, residuals, calibration, planes, bars.

Each function returns one ``<svg>`` element as text, the same for the same input, readable by itself and on
a page that sets the colours (``--paper``, ``--ink``, ``--soft``, ``--rule``, ``--line0`` to ``--line5``). It
has a title and a description, and tells values where the pointer rests. What is not finite is left out.
The first argument is a name that is unique on the page.
"""

from wengert.explain.charts.bars import bar_chart, histogram
from wengert.explain.charts.intervals import interval_chart
from wengert.explain.charts.lines import Series, line_chart
from wengert.explain.charts.matrix import confusion_chart
from wengert.explain.charts.planes import region_chart, surface_chart
from wengert.explain.charts.reliability import Reliability, reliability, reliability_chart
from wengert.explain.charts.residuals import quantile_chart, residual_chart
from wengert.explain.charts.scatter import scatter_chart
from wengert.explain.charts.strips import Shades, strip_chart

__all__ = [
    "Reliability",
    "Series",
    "Shades",
    "bar_chart",
    "confusion_chart",
    "histogram",
    "interval_chart",
    "line_chart",
    "quantile_chart",
    "region_chart",
    "reliability",
    "reliability_chart",
    "residual_chart",
    "scatter_chart",
    "strip_chart",
    "surface_chart",
]
