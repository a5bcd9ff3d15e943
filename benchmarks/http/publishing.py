"""Where a run's JSON, tables and figure go, and the parts of docs/performance.md and docs/scaling.md made of them."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

from benchmarks.drawing import COLOURS, STRONG, bars, picture
from benchmarks.http import growth_report, overload_report, settings_report, training_report
from benchmarks.http.report import MIB, conditions, figure, shown
from benchmarks.marks import between_marks
from benchmarks.paths import RESULTS, ROOT
from benchmarks.scale import queueing

DOCS = ROOT / "docs"
PAGE, SCALING = DOCS / "performance.md", DOCS / "scaling.md"
OURS, ALSO_OURS, DRF, FASTAPI = "Matinee", "Matinee, PostgreSQL", "Django REST framework", "FastAPI"
FLOOR = "constant bytes"
WRITES = ("rate", "favourite, and undo")
LIST, DETAIL, RECOMMENDATIONS = "list, signed in", "detail, signed in", "recommendations"
WIDTH = 520
COLOUR_OF = {DRF: COLOURS[2], FASTAPI: COLOURS[1]}

Record = Mapping[str, Any]
"""A run as its JSON has it."""


def publish(name: str, record: Mapping[str, Any], text: str, *, out: Path) -> None:
    """Write NAME.json and NAME.md to `out`; where that is the committed folder, the page and its figure, too."""
    out.mkdir(parents=True, exist_ok=True)
    plain = json.loads(json.dumps(record))
    (out / f"{name}.json").write_text(json.dumps(plain, indent=1) + "\n", encoding="utf-8")
    (out / f"{name}.md").write_text(text, encoding="utf-8")
    if out.resolve() == RESULTS.resolve():
        if name in PICTURES:
            (DOCS / f"{name}.svg").write_text(PICTURES[name](plain), encoding="utf-8")
        PAGE.write_text(between_marks(PAGE.read_text(encoding="utf-8"), TOLD[name](plain), name=name), encoding="utf-8")
        if name == "http":
            simulated = between_marks(SCALING.read_text(encoding="utf-8"), queueing.told(plain), name="simulated")
            SCALING.write_text(simulated, encoding="utf-8")


def told(record: Record) -> str:
    """What the page says of a run beside the peers."""
    about, summary, memory = record["about"], record["summary"], record["memory_bytes"]
    floor = summary[LIST]["servers"].get(FLOOR) if LIST in summary else None
    kept = ", ".join(f"{name} {of['ended'] / MIB:.0f}" for name, of in memory.items() if name != FLOOR)
    return "\n".join(
        [
            f"{about['Date']}, {about['Command']}, {about['Machine']}. {about['Load']}; medians.",
            conditions(record["rounds"]),
            "",
            *_requests(summary),
            "",
            f"A server that answers constant bytes takes {figure(floor['cpu_ms']['median'])} ms." if floor else "",
            f"Memory of each server with its workers, MiB: {kept}.",
            "",
            *_writes(summary, about),
            "",
            *_goals(summary),
        ]
    )


def drawn(record: Record) -> str:
    """How many times less CPU a request takes than with the peers."""
    groups = {
        name: {peer: one["better_by"][peer]["cpu_ms"] for peer in (DRF, FASTAPI) if peer in one["better_by"]}
        for name, one in record["summary"].items()
    }
    groups = {name: group for name, group in groups.items() if group}
    title = "How many times less CPU a request takes here"
    panel, height = bars(title, groups, COLOUR_OF, width=WIDTH, left=0, label="times; median, lowest and highest round")
    return picture(title, [panel], width=WIDTH, height=height)


def growth_drawn(record: Record) -> str:
    """What a request takes with few and with many films."""
    colours = dict(zip(record["servers"], (COLOURS[0], STRONG), strict=False))
    groups = {
        name: {server: one["servers"][server]["cpu_ms"] for server in colours}
        for name, one in record["summary"].items()
    }
    title = "CPU a request by the number of films"
    panel, height = bars(title, groups, colours, width=WIDTH, left=0, label="ms; median, lowest and highest round")
    return picture(title, [panel], width=WIDTH, height=height)


def _requests(summary: Record) -> list[str]:
    heads = (
        *("request", "CPU, ms", f"times less than {DRF} (lowest to highest round)", f"than {FASTAPI}"),
        *("CPU on PostgreSQL, its own included, ms", "p99, ms", "DRF's", "FastAPI's"),
    )
    rows = []
    for name, one in summary.items():
        servers, times = one["servers"], one["better_by"]
        rows.append(
            [
                name,
                figure(servers[OURS]["cpu_ms"]["median"]),
                *[shown(times[peer]["cpu_ms"]) if peer in times else "has none" for peer in (DRF, FASTAPI)],
                figure(servers[ALSO_OURS]["cpu_ms"]["median"]),
                *[figure(servers[who]["p99_ms"]["median"]) if who in servers else "" for who in (OURS, DRF, FASTAPI)],
            ]
        )
    return _table(heads, rows)


def _writes(summary: Record, about: Record) -> list[str]:
    named = {OURS: "Matinee, SQLite", ALSO_OURS: ALSO_OURS, DRF: f"{DRF}, SQLite", FASTAPI: f"{FASTAPI}, SQLite"}
    rows = [
        [name, *[shown(summary[name]["servers"][who]["requests_per_second"]) for who in named]]
        for name in WRITES
        if name in summary
    ]
    durable = about.get("Durability")
    return [
        *_table(["writes a second, each on disk before its answer", *named.values()], rows),
        *(["", durable] if durable else []),
    ]


def _goals(summary: Record) -> list[str]:
    def times(request: str, peer: str, name: str = "cpu_ms") -> float:
        return float(summary[request]["better_by"][peer][name]["median"])

    if not {LIST, DETAIL, RECOMMENDATIONS, *WRITES} <= summary.keys():
        return []  # a run of some requests alone
    cpu = {name: one["servers"][OURS]["cpu_ms"]["median"] for name, one in summary.items()}
    reads = [name for name in summary if name not in WRITES]
    goals = [
        ("a list with flags: 15 times less than Django REST framework", times(LIST, DRF), 15.0),
        ("6 times less than FastAPI", times(LIST, FASTAPI), 6.0),
        ("a detail: 10 times less than Django REST framework", times(DETAIL, DRF), 10.0),
        ("a write: 2.5 times less", min(times(name, DRF) for name in WRITES), 2.5),
        ("a list's p99: 8 times lower", times(LIST, DRF, "p99_ms"), 8.0),
        ("recommendations with reasons: at most 1.5 lists", cpu[RECOMMENDATIONS] / cpu[LIST], -1.5),
        ("PostgreSQL's reads: at most 1.3 times SQLite's", max(times(name, ALSO_OURS) for name in reads), -1.3),
    ]
    return _table(
        ("goal, CPU where nothing else is said", "measured", "reached"),
        [[goal, figure(value), "yes" if _is_reached(value, bound) else "no"] for goal, value, bound in goals],
    )


def _is_reached(value: float, bound: float) -> bool:
    """A bound below 0 is the most that there may be."""
    return value >= bound if bound > 0 else value <= -bound


def _table(heads: Sequence[str], rows: Sequence[Sequence[str]]) -> list[str]:
    lines = [heads, ["---"] * len(heads), *rows]
    return ["| " + " | ".join(line) + " |" for line in lines]


PICTURES: Mapping[str, Callable[[Record], str]] = {"http": drawn, "http-growth": growth_drawn}
TOLD: Mapping[str, Callable[[Record], str]] = {
    "http": told,
    "http-growth": growth_report.told,
    "http-overload": overload_report.told,
    "http-settings": settings_report.told,
    "http-training": training_report.told,
}
