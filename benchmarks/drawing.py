"""Figures as SVG that reads well on light and dark ground, the same bytes from the same data."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from html import escape

COLOURS = ("#888888", "#c2703d", "#3d7dc2", "#3da2b8", "#7a6fd0", "#5f9e54", "#a3853a", "#b8569a", "#c24a4a")
STRONG = "#0f8a5f"
"""Of what is ours."""
STYLE = """
text { font: 11px system-ui, sans-serif; fill: #333; }
.title { font-size: 13px; font-weight: 600; }
.ours { font-weight: 700; }
.frame { stroke: #999; fill: none; }
.grid { stroke: #8884; }
@media (prefers-color-scheme: dark) { text { fill: #ddd; } }
"""
BAR, GAP = 11, 9
BARS_LEFT, BARS_RIGHT, BARS_TOP, BARS_BOTTOM = 210, 60, 52, 40

Spread = Mapping[str, float]
"""`median`, `lowest` and `highest`."""


@dataclass(frozen=True)
class Scale:
    """From values to pixels, evenly or by their logarithm."""

    low: float
    high: float
    begin: float
    end: float
    is_log: bool = False

    def __call__(self, value: float) -> float:
        by: Callable[[float], float] = math.log if self.is_log else float
        return self.begin + (by(value) - by(self.low)) / (by(self.high) - by(self.low)) * (self.end - self.begin)


def ticks_of(low: float, high: float) -> list[float]:
    """Round figures from one below `low` to one above `high`, three to eight of them."""
    span = max(high - low, 0.01)
    step = 10 ** math.floor(math.log10(span))
    step = next(part for part in (step / 5, step / 2, step, step * 2) if span / part < 7)
    first, last = math.floor(low / step), math.ceil(high / step)
    return [round(place * step, 6) for place in range(first, max(last, first + 1) + 1)]


def bars(
    title: str,
    groups: Mapping[str, Mapping[str, Spread]],
    colours: Mapping[str, str],
    *,
    width: int,
    left: int,
    label: str,
) -> tuple[str, int]:
    """A panel that begins `left` of the picture, and its height: for each group a bar for each of its series, as long
    as the median, with a line from the lowest to the highest."""
    spreads = [spread for group in groups.values() for spread in group.values()]
    ticks = ticks_of(0, max(spread["highest"] for spread in spreads))
    x = Scale(0, ticks[-1], BARS_LEFT, width - BARS_RIGHT)
    bottom = BARS_TOP + len(spreads) * BAR + len(groups) * GAP
    parts = [f'<g transform="translate({left} 0)">', f'<text class="title" x="10" y="18">{escape(title)}</text>']
    key = 10
    for name, colour in colours.items():
        parts.append(f'<rect x="{key}" y="29" width="10" height="10" fill="{colour}"/>')
        parts.append(f'<text x="{key + 14}" y="38">{escape(name)}</text>')
        key += 32 + 6 * len(name)
    for tick in ticks:
        parts.append(f'<path class="grid" d="M{x(tick):.1f} {BARS_TOP}V{bottom}"/>')
        parts.append(f'<text x="{x(tick):.1f}" y="{bottom + 15}" text-anchor="middle">{tick:g}</text>')
    middle = (BARS_LEFT + width - BARS_RIGHT) / 2
    parts.append(f'<text x="{middle:.0f}" y="{bottom + 31}" text-anchor="middle">{escape(label)}</text>')
    y = BARS_TOP + GAP / 2
    for name, group in groups.items():
        height = len(group) * BAR
        parts.append(f'<text x="{BARS_LEFT - 8}" y="{y + height / 2 + 4:.1f}" text-anchor="end">{escape(name)}</text>')
        for series, spread in group.items():
            parts += _bar(x, y, spread, colours[series])
            y += BAR
        y += GAP
    return "\n".join([*parts, "</g>"]), bottom + BARS_BOTTOM


def _bar(x: Scale, y: float, spread: Spread, colour: str) -> list[str]:
    lowest, median, highest = (x(spread[name]) for name in ("lowest", "median", "highest"))
    middle = y + (BAR - 2) / 2
    return [
        f'<rect x="{x(0):.1f}" y="{y:.1f}" width="{median - x(0):.1f}" height="{BAR - 2}" fill="{colour}"/>',
        f'<path stroke="#888" d="M{lowest:.1f} {middle:.1f}H{highest:.1f}"/>',
        f'<text x="{max(highest, median) + 5:.1f}" y="{middle + 4:.1f}">{spread["median"]:.3g}</text>',
    ]


def picture(title: str, panels: Sequence[str], *, width: int, height: int) -> str:
    """`width` and `height` of all panels together, in pixels."""
    head = f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {width} {height}" role="img">'
    return "\n".join([head, f"<title>{escape(title)}</title>", f"<style>{STYLE}</style>", *panels, "</svg>"]) + "\n"
