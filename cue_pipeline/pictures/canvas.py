"""A canvas for small pictures: shapes and letters as SVG, dense data as indexed PNG within it.

Conventions
-----------
Pixels, origin at the top left. Every picture stands on its own dark panel, so that it reads the
same in a light and in a dark page. *Levels* are 0 (nothing) to 15 (most), coloured by a palette.
"""

from __future__ import annotations

import base64
import struct
import zlib
from collections.abc import Sequence
from typing import TYPE_CHECKING
from xml.sax.saxutils import escape

from cue_pipeline.cue.shown import shown

if TYPE_CHECKING:
    import numpy as np

WIDTH = 720
"""Pixels across, of every picture."""

INK, FAINT, GRID, PANEL = "#e6e9f0", "#99a3b8", "#323b4e", "#161b26"
BLUE, AMBER, GREEN, RED = "#7cb7ff", "#ffc46b", "#7fd8a4", "#ff8f8f"

EMBER = ("#161b26", "#3b1f5b", "#7b2a73", "#c0405f", "#f2774b", "#fdbb63", "#fdf2b8")
"""From the panel's own colour to near white: power, likeness."""
ICE = ("#161b26", "#24476f", "#3d83c4", "#7cb7ff", "#d3e8ff")
"""The same for notes."""
RELATIVE = (
    "#4f9dff", "#2f5f9e", "#1f2b40", "#161b26", "#161b26", "#45301f", "#a8692b", "#ffc46b",
)  # fmt: skip
"""From less (blue) over alike (the panel) to more (amber)."""

LEVELS = 16


class Canvas:
    """One picture being drawn.

    Parameters
    ----------
    height : float
        Pixels.
    """

    def __init__(self, height: float) -> None:
        self.height = height
        self._parts = [
            f'<rect width="{WIDTH}" height="{height:.0f}" rx="6" fill="{PANEL}"/>',
        ]

    def rect(self, x: float, y: float, w: float, h: float, fill: str) -> None:
        """Fill a rectangle."""
        self._parts.append(
            f'<rect x="{x:.1f}" y="{y:.1f}" width="{w:.1f}" height="{h:.1f}" fill="{fill}"/>'
        )

    def line(
        self, x1: float, y1: float, x2: float, y2: float, colour: str = GRID, width: float = 1.0
    ) -> None:
        """Draw a straight line."""
        self._parts.append(
            f'<path d="M{x1:.1f} {y1:.1f}L{x2:.1f} {y2:.1f}" stroke="{colour}" '
            f'stroke-width="{width:g}"/>'
        )

    def polyline(self, points: Sequence[tuple[float, float]], colour: str) -> None:
        """Draw a line through points."""
        path = "L".join(f"{x:.1f} {y:.1f}" for x, y in points)
        self._parts.append(
            f'<path d="M{path}" fill="none" stroke="{colour}" stroke-width="1.6" '
            'stroke-linejoin="round"/>'
        )

    def text(
        self,
        x: float,
        y: float,
        text: str,
        *,
        colour: str = INK,
        size: float = 11,
        anchor: str = "start",
        most: int | None = None,
        turned: bool = False,
    ) -> None:
        """Write a line of text with its baseline at ``y``, cut to at most ``most`` letters.

        Parameters
        ----------
        x, y : float
        text : str
            From anywhere: it is escaped, and what XML cannot hold is left out.
        colour : str
        size : float
            Pixels.
        anchor : {"start", "middle", "end"}
        most : int, optional
        turned : bool
            Slanting upwards, for the head of a narrow column.
        """
        turn = f' transform="rotate(-40 {x:.1f} {y:.1f})"' if turned else ""
        self._parts.append(
            f'<text x="{x:.1f}" y="{y:.1f}" fill="{colour}" font-size="{size:g}" '
            f'text-anchor="{anchor}"{turn}>{escape(_drawable(shortened(shown(text), most)))}</text>'
        )

    def raster(
        self, x: float, y: float, w: float, h: float, levels: np.ndarray, palette: Sequence[str]
    ) -> None:
        """Draw an array of levels, stretched to a rectangle.

        Parameters
        ----------
        x, y, w, h : float
        levels : np.ndarray, shape=(rows, columns), integers 0 to 15
            Top row first.
        palette : sequence of str
            Colours of level 0 to 15, at equal distances.
        """
        data = base64.b64encode(png(levels, palette)).decode()
        self._parts.append(
            f'<image x="{x:.1f}" y="{y:.1f}" width="{w:.1f}" height="{h:.1f}" '
            f'preserveAspectRatio="none" href="data:image/png;base64,{data}"/>'
        )

    def svg(self) -> str:
        """Return the picture."""
        return (
            f'<svg xmlns="http://www.w3.org/2000/svg" width="{WIDTH}" height="{self.height:.0f}" '
            f'viewBox="0 0 {WIDTH} {self.height:.0f}" font-family="system-ui, -apple-system, '
            "'Segoe UI', 'Noto Sans', 'Liberation Sans', sans-serif\">" + "".join(self._parts)
            + "</svg>"
        )  # fmt: skip


def png(levels: np.ndarray, palette: Sequence[str]) -> bytes:
    """Return an indexed PNG of 16 colours.

    Parameters
    ----------
    levels : np.ndarray, shape=(rows, columns), integers 0 to 15
    palette : sequence of str
        At least two colours, ``#rrggbb``, between which the 16 lie.

    References
    ----------
    W3C, Portable Network Graphics (PNG) Specification, third edition, 11.2 and 7.2.
    """
    import numpy as np

    rows, columns = levels.shape
    if not rows or not columns:
        levels = np.zeros((1, 1), np.uint8)
        rows = columns = 1
    even = np.zeros((rows, columns + columns % 2), np.uint8)
    even[:, :columns] = levels
    packed = (even[:, ::2] << 4) | even[:, 1::2]  # bit depth 4: the left pixel in the high bits
    lines = np.zeros((rows, packed.shape[1] + 1), np.uint8)  # each led by its filter: none
    lines[:, 1:] = packed
    return b"".join(
        (
            b"\x89PNG\r\n\x1a\n",
            _chunk(b"IHDR", struct.pack(">2I5B", columns, rows, 4, 3, 0, 0, 0)),
            _chunk(b"PLTE", _colours(palette)),
            _chunk(b"IDAT", zlib.compress(lines.tobytes(), 6)),
            _chunk(b"IEND", b""),
        )
    )


def seconds(value: float) -> str:
    """Return a moment as ``m:ss``."""
    return f"{int(value) // 60}:{int(value) % 60:02d}"


def shortened(text: str, most: int | None) -> str:
    """Return text of at most ``most`` letters, with its middle left out."""
    if most is None or len(text) <= most:
        return text
    tail = most // 3
    return f"{text[: most - tail - 1].rstrip()}…{text[len(text) - tail :]}"


def time_axis(canvas: Canvas, x: float, w: float, y: float, end: float, start: float = 0.0) -> None:
    """Write moments under a row of pictures: from ``start`` to ``end`` seconds."""
    length = max(end - start, 1e-9)
    step = next((s for s in (1, 2, 5, 10, 15, 30, 60, 120, 300, 600) if length / s <= 9), 1800)
    moment = step * -(-int(start) // step)
    while moment <= end:
        at = x + w * (moment - start) / length
        canvas.line(at, y - 12, at, y - 9, FAINT)
        anchor = "start" if at < 16 else "end" if at > WIDTH - 16 else "middle"
        canvas.text(at, y, seconds(moment), colour=FAINT, size=10, anchor=anchor)
        moment += step


def _chunk(kind: bytes, data: bytes) -> bytes:
    return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))


def _colours(palette: Sequence[str]) -> bytes:
    import numpy as np

    anchors = np.array([[int(c[i : i + 2], 16) for i in (1, 3, 5)] for c in palette], float)
    at = np.linspace(0, len(palette) - 1, LEVELS)
    mixed = [np.interp(at, np.arange(len(palette)), anchors[:, i]) for i in range(3)]
    return bytes(np.stack(mixed, axis=1).round().astype(np.uint8).tobytes())


def _drawable(text: str) -> str:
    """Return text without what XML 1.0 cannot hold: one such letter would break the picture."""
    return "".join(
        c if c >= " " and not "\ud800" <= c <= "\udfff" and c not in "\ufffe\uffff" else " "
        for c in text
    )
