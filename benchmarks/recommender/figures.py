"""Accuracy of all systems as lines and dots."""

from __future__ import annotations

import itertools
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from html import escape

from benchmarks.drawing import COLOURS, STRONG, Scale, picture, ticks_of
from benchmarks.recommender.measuring import (
    BEYOND,
    EVERY_LINK,
    FEW_SIGNALS,
    NEW_PEOPLE,
    OURS,
    SIGNALS,
    WITH_FACTS,
)
from benchmarks.recommender.report import Record

WIDTH, HEIGHT = 440, 380
"""Of one panel, in pixels."""
LEFT, RIGHT, TOP, BOTTOM = 52, 150, 34, 44
LINE = 13
"""The least distance between two labels."""
Point = tuple[float, float]


@dataclass(frozen=True)
class Series:
    """One system: a line where it has several points, else a dot."""

    name: str
    points: Sequence[Point]
    colour: str

    @property
    def is_ours(self) -> bool:
        return self.name.startswith(OURS)


def of_signals(record: Record) -> str:
    """Accuracy against the number of signals."""
    panels = []
    sets = {name: of_set for name, of_set in record["datasets"].items() if FEW_SIGNALS in of_set}
    for number, (name, of_set) in enumerate(sets.items()):
        systems = of_set[FEW_SIGNALS]["systems"]
        lines = {
            system: [(float(count), each["NDCG@100"][str(count)]["mean"]) for count in SIGNALS]
            for system, each in systems.items()
        }
        panels.append(_panel(number, name, _series(lines), "ratings shown", "NDCG@100", SIGNALS))
    return _picture("Accuracy against the number of signals", panels)


def of_coverage(record: Record) -> str:
    """Accuracy against coverage."""
    panels = []
    for number, (name, of_set) in enumerate(record["datasets"].items()):
        dots = {
            system: [(of_set[BEYOND][system]["Coverage@20"], each["NDCG@100"]["mean"])]
            for system, each in of_set[NEW_PEOPLE]["systems"].items()
            if system != EVERY_LINK
        }
        panels.append(_panel(number, name, _series(dots), "share of all films that are shown to somebody", "NDCG@100"))
    return _picture("Accuracy against coverage", panels)


def _series(points: Mapping[str, Sequence[Point]]) -> list[Series]:
    """Ours come last, on top of the others."""
    peers = [name for name in points if not name.startswith(OURS)]
    ours = [name for name in (OURS, WITH_FACTS) if name in points]
    colours = {name: COLOURS[place % len(COLOURS)] for place, name in enumerate(peers)} | dict.fromkeys(ours, STRONG)
    return [Series(name, points[name], colours[name]) for name in (*peers, *ours)]


def _panel(
    number: int, title: str, series: Sequence[Series], x_label: str, y_label: str, ticks: Sequence[float] = ()
) -> str:
    """With `ticks` along x its scale is logarithmic, else the ticks are even."""
    xs, ys = ([point[axis] for each in series for point in each.points] for axis in (0, 1))
    x_ticks, y_ticks = ticks or ticks_of(min(xs), max(xs)), ticks_of(min(ys), max(ys))
    x = Scale(x_ticks[0], x_ticks[-1], LEFT, WIDTH - RIGHT, is_log=bool(ticks))
    y = Scale(y_ticks[0], y_ticks[-1], HEIGHT - BOTTOM, TOP)
    right, bottom = WIDTH - RIGHT, HEIGHT - BOTTOM
    parts = [
        f'<g transform="translate({number * WIDTH} 0)">',
        f'<text class="title" x="{LEFT}" y="18">{escape(title)}</text>',
    ]
    for tick in y_ticks:
        parts += [
            f'<path class="grid" d="M{LEFT} {y(tick):.1f}H{right}"/>',
            f'<text x="{LEFT - 6}" y="{y(tick) + 4:.1f}" text-anchor="end">{tick:.2f}</text>',
        ]
    for tick in x_ticks:
        shown = f"{tick:.0f}" if ticks else f"{tick:.2f}"
        parts.append(f'<text x="{x(tick):.1f}" y="{bottom + 16}" text-anchor="middle">{shown}</text>')
    parts += [
        f'<path class="frame" d="M{LEFT} {TOP}V{bottom}H{right}"/>',
        f'<text x="{(LEFT + right) / 2:.0f}" y="{HEIGHT - 8}" text-anchor="middle">{escape(x_label)}</text>',
        f'<text text-anchor="middle" transform="translate(12 {(TOP + bottom) / 2:.0f}) rotate(-90)">{y_label}</text>',
    ]
    for each in series:
        places = [(x(a), y(b)) for a, b in each.points]
        if len(places) > 1:
            path = "M" + "L".join(f"{a:.1f} {b:.1f}" for a, b in places)
            width = 3 if each.is_ours else 1.5
            dashes = ' stroke-dasharray="6 3"' if each.name == WITH_FACTS else ""
            parts.append(f'<path d="{path}" fill="none" stroke="{each.colour}" stroke-width="{width}"{dashes}/>')
        else:
            radius = 6 if each.is_ours else 4
            parts.append(f'<circle cx="{places[0][0]:.1f}" cy="{places[0][1]:.1f}" r="{radius}" fill="{each.colour}"/>')
    ends = [(x(each.points[-1][0]), y(each.points[-1][1])) for each in series]
    for each, (end_x, end_y), label_y in zip(series, ends, _apart([end[1] for end in ends], bottom), strict=True):
        mark = ' class="ours"' if each.is_ours else ""
        parts += [
            f'<path d="M{end_x:.1f} {end_y:.1f}L{right + 6} {label_y:.1f}" stroke="{each.colour}" opacity="0.5"/>',
            f'<text{mark} x="{right + 9}" y="{label_y + 4:.1f}">{escape(each.name)}</text>',
        ]
    return "\n".join([*parts, "</g>"])


def _apart(heights: Sequence[float], bottom: float) -> list[float]:
    """The same heights, moved up or down until no two are nearer than a line."""
    order = sorted(range(len(heights)), key=lambda place: heights[place])
    moved = list(heights)
    for before, after in itertools.pairwise(order):
        moved[after] = max(moved[after], moved[before] + LINE)
    limit = bottom
    for place in reversed(order):
        moved[place] = min(moved[place], limit)
        limit = moved[place] - LINE
    return moved


def _picture(title: str, panels: Sequence[str]) -> str:
    return picture(title, panels, width=WIDTH * max(len(panels), 1), height=HEIGHT)
