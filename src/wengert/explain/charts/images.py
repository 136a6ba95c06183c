"""Small pictures as PNG inside the page."""

from __future__ import annotations

import base64
import struct
import zlib

import numpy as np
from numpy.typing import ArrayLike

__all__ = ["png_url"]


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
    scaled = np.round((pixels - low) / ((high - low) or 1.0) * 255).astype(np.uint8)
    height, width = scaled.shape[:2]
    lines = np.zeros((height, 1 + scaled.size // height), np.uint8)  # each begins with its filter, none
    lines[:, 1:] = scaled.reshape(height, -1)
    header = struct.pack(">IIBBBBB", width, height, 8, 2 if scaled.ndim == 3 else 0, 0, 0, 0)
    data = b"\x89PNG\r\n\x1a\n" + _chunk(b"IHDR", header) + _chunk(b"IDAT", zlib.compress(lines.tobytes(), 9))
    return "data:image/png;base64," + base64.b64encode(data + _chunk(b"IEND", b"")).decode()


def _chunk(kind: bytes, data: bytes) -> bytes:
    return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))
