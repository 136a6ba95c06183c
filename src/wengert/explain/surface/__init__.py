"""Loss surfaces: a map of the loss about the paths of optimisers, on the plane that shows most of them.

Example:
    >>> import numpy as np
    >>> import wengert
    >>> from wengert import optim, training
    >>> f = lambda p: np.sum(p**2) + np.prod(p)
    >>> path = training.trajectory(f, np.array([1.0, -2.0, 0.5]), optim.adam(0.1), steps=50)
    >>> surface = wengert.draw_surface(f, path)
    >>> surface.scene.plane.names[0][:21], sum(surface.explained) > 0.9
    ('principal direction 1', True)
"""

from wengert.explain.surface.contours import Levels, contour_lines, region_outlines
from wengert.explain.surface.grid import Evaluator, Grid, Minimum
from wengert.explain.surface.plane import Plane, principal_plane, random_plane
from wengert.explain.surface.scene import Course, Scene
from wengert.explain.surface.surface import Surface, draw_surface

__all__ = [
    "Course",
    "Evaluator",
    "Grid",
    "Levels",
    "Minimum",
    "Plane",
    "Scene",
    "Surface",
    "contour_lines",
    "draw_surface",
    "principal_plane",
    "random_plane",
    "region_outlines",
]
