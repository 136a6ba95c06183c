"""Charts as SVG: lines over epochs, predicted against actual, residuals, bars, confusion matrices.

Each function returns one ``<svg>`` element as text, the same for the same input, readable by itself and on
a page that sets the colours (``--paper``, ``--ink``, ``--soft``, ``--rule``, ``--line0`` to ``--line5``). It
has a title and a description, and tells values where the pointer rests. What is not finite is left out.
The first argument is a name that is unique on the page.
"""

from wengert.explain.charts.bars import bar_chart, histogram
from wengert.explain.charts.lines import Series, line_chart
from wengert.explain.charts.matrix import confusion_chart
from wengert.explain.charts.scatter import scatter_chart

__all__ = ["Series", "bar_chart", "confusion_chart", "histogram", "line_chart", "scatter_chart"]
