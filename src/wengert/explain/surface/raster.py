"""The picture as pixels, and the race as an animation, drawn by matplotlib."""

from __future__ import annotations

import io
from collections.abc import Iterator
from typing import Any

import numpy as np

from wengert.errors import DataError, UnsupportedError
from wengert.explain.charts.numbers import number
from wengert.explain.surface.courses import runs
from wengert.explain.surface.scene import Course, Scene
from wengert.explain.surface.strips import DECADES
from wengert.explain.surface.theme import DARK, LIGHT, band_colors

__all__ = ["gif", "png"]

_MARKERS = "osD^hv"
_LAST = 0.2  # share of an animation's time that its last picture stays


def _matplotlib() -> tuple[Any, Any, Any]:
    try:
        import matplotlib.backends.backend_agg as agg
        import matplotlib.figure as figure
        import PIL.Image  # comes with matplotlib
    except ImportError:
        raise UnsupportedError("pixels are drawn with matplotlib: pip install 'wengert[plots]'") from None
    return figure.Figure, agg.FigureCanvasAgg, PIL.Image


def png(scene: Scene, dpi: int, theme: str) -> bytes:
    """The whole picture as PNG."""
    figure, _ = _drawn(scene, theme)
    held = io.BytesIO()
    figure.savefig(held, format="png", dpi=dpi, metadata={"Software": None})
    return held.getvalue()


def gif(scene: Scene, seconds: float, frames: int, dpi: int, theme: str) -> bytes:
    """The race as GIF; the last picture stays for a while."""
    if frames < 2 or not seconds > 0:
        raise DataError(f"an animation has at least 2 frames and some seconds, not frames={frames}, seconds={seconds}")
    figure, pens = _drawn(scene, theme)
    figure.set_dpi(dpi)
    pictures = list(_pictures(figure, pens, np.linspace(0, scene.last_step, frames).tolist()))
    last = pictures[-1]
    # one palette for all, that of the last picture, which has every colour
    palette = last.quantize(colors=255)
    quantized = [picture.quantize(palette=palette, dither=0) for picture in pictures]
    each = max(20, round(1000 * seconds / frames))
    held = io.BytesIO()
    times = [each] * (frames - 1) + [max(each, round(1000 * _LAST * seconds))]
    quantized[0].save(held, "GIF", save_all=True, append_images=quantized[1:], duration=times, loop=0, optimize=False)
    return held.getvalue()


def _pictures(figure: Any, pens: list[Any], steps: list[float]) -> Iterator[Any]:
    """A picture for each step: what moves, drawn upon what does not, which is drawn once."""
    canvas, image = figure.canvas, _matplotlib()[2]
    moving = [artist for pen in pens for artist in pen(steps[-1])]
    for artist in moving:
        artist.set_animated(True)
    canvas.draw()
    still = canvas.copy_from_bbox(figure.bbox)
    for step in steps:
        canvas.restore_region(still)
        shown = [artist for pen in pens for artist in pen(step)]
        for artist in sorted(shown, key=lambda artist: artist.get_zorder()):
            artist.axes.draw_artist(artist)
        yield image.fromarray(np.asarray(canvas.buffer_rgba()).copy()).convert("RGB")


def _drawn(scene: Scene, theme: str) -> tuple[Any, list[Any]]:
    if theme not in ("light", "dark"):
        raise DataError(f'theme is "light" or "dark", and not {theme!r}')
    figure_type, canvas, _ = _matplotlib()
    colors = LIGHT if theme == "light" else DARK
    rows = [4.2, 1] if scene.whole else [4.2, 1, 0.8]
    figure = figure_type(figsize=(7.2, 7.6 if scene.whole else 8.6), layout="constrained", facecolor=colors["paper"])
    canvas(figure)
    axes = figure.subplots(len(rows), 1, height_ratios=rows)
    for ax in axes:
        _house(ax, colors)
    _ground(axes[0], scene, colors, theme)
    pens = [_pen(axes[0], scene, k, course, colors) for k, course in enumerate(scene.courses)]
    _points(axes[0], scene, colors)
    pens += [_strips(axes[1:], scene, colors)]
    axes[0].set_title(scene.title, loc="left", color=colors["ink"], fontsize=12, fontweight="bold")
    if scene.plane.words:
        axes[0].text(1, 1.012, scene.plane.words, transform=axes[0].transAxes, ha="right", va="bottom",
                     color=colors["soft"], fontsize=7.5)  # fmt: skip
    for pen in pens:
        pen(scene.last_step)
    axes[0].legend(loc="upper right", fontsize=8, framealpha=0.9, facecolor=colors["paper"], edgecolor=colors["rule"],
                   labelcolor=colors["ink"])  # fmt: skip
    return figure, pens


def _house(ax: Any, colors: dict[str, str]) -> None:
    ax.set_facecolor(colors["paper"])
    ax.tick_params(colors=colors["soft"], labelsize=8)
    for spine in ax.spines.values():
        spine.set_color(colors["rule"])
    for name in (ax.xaxis.label, ax.yaxis.label):
        name.set_color(colors["soft"])
        name.set_size(9)


def _ground(ax: Any, scene: Scene, colors: dict[str, str], theme: str) -> None:
    grid, levels = scene.grid, scene.levels
    names = (*scene.plane.names, "loss")
    ax.set_xlabel(names[0])
    ax.set_ylabel(names[1])
    ax.set_xlim(grid.xs[0], grid.xs[-1])
    if scene.flat:
        ax.plot(grid.xs, grid.values[0], color=colors["soft"], lw=1.2)
        return
    ax.set_ylim(grid.ys[0], grid.ys[-1])
    values = np.ma.masked_invalid(levels.scaled(grid.values))
    ax.patch.set_hatch("////" if values.mask.any() else "")
    ax.patch.set_edgecolor(colors["soft"])
    if not levels.values or not values.count():
        ax.set_facecolor(band_colors(1, theme)[0])
        return
    at = levels.scaled(levels.values)
    edges = [min(float(values.min()), at[0]) - 1.0, *at, max(float(values.max()), at[-1]) + 1.0]
    ax.contourf(grid.xs, grid.ys, values, edges, colors=band_colors(len(at) + 1, theme))
    drawn = ax.contour(grid.xs, grid.ys, values, at, colors=colors["contour"], linewidths=0.6, linestyles="solid")
    words = {place: number(value, 3) for place, value in zip(at.tolist(), levels.values, strict=True)}
    ax.clabel(drawn, fmt=words, fontsize=6.5, colors=colors["soft"], inline_spacing=3)


def _pen(ax: Any, scene: Scene, k: int, course: Course, colors: dict[str, str]) -> Any:
    """What draws a path up to a step."""
    shade, ys = colors[f"line{k % 6}"], course.losses if scene.flat else course.places[:, 1]
    apart, xs = scene.apart(course), course.places[:, 0]
    style = {"solid_capstyle": "round", "solid_joinstyle": "round", "zorder": 4}
    (halo,) = ax.plot([], [], color=colors["paper"], lw=3.6, alpha=0.85, **style | {"zorder": 3})
    width = 1.6 + 0.5 * (len(scene.courses) - 1 - k)
    (told,) = ax.plot([], [], color=shade, lw=width, **style)
    (dashed,) = ax.plot([], [], color=shade, lw=width, ls=(0, (3, 2)), **style)
    (head,) = ax.plot([], [], _MARKERS[k % 6], color=shade, mec=colors["paper"], ms=7, zorder=6, label=course.name)
    marked = scene.marked_steps()
    (marks,) = ax.plot([], [], _MARKERS[k % 6], color=shade, mec=colors["paper"], ms=5, zorder=5)

    def draw(step: float) -> list[Any]:
        last = int(np.searchsorted(course.steps, step, side="right")) - 1
        halo.set_data(xs[: last + 1], ys[: last + 1])
        head.set_data(xs[last : last + 1], ys[last : last + 1])
        for line, kind in ((told, False), (dashed, True)):
            line.set_data(*_broken(xs, ys, [run for off, run in runs(range(last + 1), apart) if off == kind]))
        at = [int(np.searchsorted(course.steps, m)) for m in marked if m <= min(step, course.steps[-1])]
        marks.set_data(xs[at], ys[at])
        return [halo, told, dashed, head, marks]

    return draw


def _broken(xs: Any, ys: Any, stretches: list[list[int]]) -> tuple[list[float], list[float]]:
    """Stretches as one line with gaps."""
    return tuple([v for run in stretches for v in (*values[run].tolist(), np.nan)] for values in (xs, ys))  # type: ignore[return-value]


def _points(ax: Any, scene: Scene, colors: dict[str, str]) -> None:
    for course in scene.courses:
        y = course.losses[0] if scene.flat else course.places[0, 1]
        ax.plot(course.places[0, 0], y, "o", mfc=colors["paper"], mec=colors["ink"], ms=6, zorder=6)
    for low in scene.minima:
        ax.plot(*low.place, "x", color=colors["ink"], ms=7, mew=1.8, zorder=5)
        words = f"min {scene.told(low.value)}"
        ax.annotate(words, low.place, xytext=(-7, 6), textcoords="offset points", fontsize=7.5, ha="right",
                    color=colors["ink"], zorder=7)  # fmt: skip


def _strips(axes: Any, scene: Scene, colors: dict[str, str]) -> Any:
    told = axes[0]
    values = np.concatenate([row[course.shown] for course in scene.courses for row in (course.losses, course.on_plane)])
    values = values[np.isfinite(values)]
    if len(values) and values.min() > 0 and values.max() > 30 * values.min():
        told.set_yscale("log")
        told.set_ylim(max(values.min(), values.max() / DECADES) / 1.5, values.max() * 1.5)
    for k, course in enumerate(scene.courses):
        shade = colors[f"line{k % 6}"]
        told.plot(course.steps, np.where(np.isfinite(course.losses), course.losses, np.nan), color=shade, lw=1.3)
        if not scene.whole:
            told.plot(course.steps, np.where(np.isfinite(course.on_plane), course.on_plane, np.nan), color=shade, lw=1,
                      ls=":")  # fmt: skip
            axes[1].plot(course.steps, course.distances, color=shade, lw=1.3)
    told.set_ylabel("loss" if scene.whole else "loss\n(dotted: on the map)")
    if not scene.whole:
        axes[1].set_ylabel("distance\nfrom the plane")
    axes[-1].set_xlabel(scene.unit)
    lines = [ax.axvline(0, color=colors["ink"], lw=0.8) for ax in axes]
    for ax in axes:
        ax.set_xlim(0, max(scene.last_step, 1))
        ax.grid(axis="y", color=colors["rule"], lw=0.6)

    def draw(step: float) -> list[Any]:
        for line in lines:
            line.set_xdata([step, step])
            line.set_visible(step < scene.last_step)
        return lines

    return draw
