"""Small pictures as PNG inside the page."""

from __future__ import annotations

import base64
import struct
import zlib

import numpy as np
from numpy.typing import ArrayLike, NDArray

__all__ = ["png_url", "signed_png_url"]

# between the light and the dark theme's colours, for a picture cannot ask which one is on
_ABOVE, _BELOW = (58, 112, 235), (232, 104, 24)
_KINDS = {1: 0, 3: 2, 4: 6}  # channels -> PNG's type of colour


def png_url(image: ArrayLike) -> str:
    """A ``data:`` address of an image, stretched to the full range of brightness.

    Args:
        image: (height, width) or (height, width, 3), any numbers; what is not finite counts as 0.

    Example:
        >>> png_url([[0.0, 1.0]])[:22]
        'data:image/png;base64,'
    """
    pixels = np.nan_to_num(np.asarray(image, float), posinf=0.0, neginf=0.0)
    low, high = pixels.min(initial=0.0), pixels.max(initial=0.0)
    return _png(np.round((pixels - low) / ((high - low) or 1.0) * 255).astype(np.uint8))


def signed_png_url(image: ArrayLike, limit: float | None = None) -> str:
    """A ``data:`` address of a picture of signed numbers: blue above 0, orange below, 0 transparent.

    It suits a light page and a dark one: what shows through where a number is small is the page.

    Args:
        image: (height, width), any numbers; what is not finite counts as 0.
        limit: the absolute value that has full colour; the largest of the image if None.

    Example:
        >>> signed_png_url([[-1.0, 1.0]])[:22]
        'data:image/png;base64,'
    """
    values = np.nan_to_num(np.asarray(image, float), posinf=0.0, neginf=0.0)
    most = float(np.abs(values).max(initial=0.0)) if limit is None else limit
    strength = np.clip(np.abs(values) / (most or 1.0), 0.0, 1.0) ** 0.8  # faint ones are to be seen too
    pixels = np.empty((*values.shape, 4), np.uint8)
    pixels[..., :3] = np.where(values[..., None] < 0, _BELOW, _ABOVE)
    pixels[..., 3] = np.round(255 * strength)
    return _png(pixels)


def _png(pixels: NDArray[np.uint8]) -> str:
    """(height, width) in grey, or with 3 channels in colour, or with a fourth that says how opaque."""
    height, width = pixels.shape[:2]
    lines = np.zeros((height, 1 + pixels.size // height), np.uint8)  # each begins with its filter, none
    lines[:, 1:] = pixels.reshape(height, -1)
    kind = _KINDS[pixels.shape[2] if pixels.ndim == 3 else 1]
    header = struct.pack(">IIBBBBB", width, height, 8, kind, 0, 0, 0)
    data = b"\x89PNG\r\n\x1a\n" + _chunk(b"IHDR", header) + _chunk(b"IDAT", zlib.compress(lines.tobytes(), 9))
    return "data:image/png;base64," + base64.b64encode(data + _chunk(b"IEND", b"")).decode()


def _chunk(kind: bytes, data: bytes) -> bytes:
    return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))
