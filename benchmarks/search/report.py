"""A run's JSON as the tables that a person reads."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from benchmarks.search.measuring import ALL

Record = Mapping[str, Any]
OURS = "Matinee search"
SUGGEST = "Matinee suggest"
NOTICEABLE = 0.0005
"""What three decimals show."""


def markdown(record: Record) -> str:
    """Everything that was measured."""
    return "\n".join(
        [
            "# Search beside its peers",
            "",
            "Made by `python -m benchmarks.search`; [docs/search.md](../../docs/search.md) says what is measured.",
            "",
            *[f"- {name}: {value}" for name, value in record["about"].items()],
            "",
            tables(record),
            "",
            "## Success@1 and success@10",
            "",
            *_table(record, _successes),
            "",
            *_table(record["by facts"], _successes),
            *_fitted(record),
            "",
        ]
    )


def tables(record: Record) -> str:
    """What the docs show: MRR@10 by kind, where we stand to the best peer, and what a question costs."""
    about = record["about"]
    asked = f"{about['Questions reported']} questions over {about['Films']} films"
    return "\n".join(
        [
            f"{about['Date']}, {about['Machine']}: MRR@10 on {asked}, the best of each row in bold.",
            "",
            *_table(record, lambda figures: f"{figures['MRR@10']:.3f}", lead="MRR@10"),
            "",
            *_standing(record),
            "",
            f"By whatever else is known of a film, {about['Questions by facts']} questions:",
            "",
            *_table(record["by facts"], lambda figures: f"{figures['MRR@10']:.3f}", lead="MRR@10"),
            "",
            *_standing(record["by facts"]),
            "",
            "What a question costs on one core, in milliseconds of CPU:",
            "",
            *_costs(record),
            "",
            "And one by other facts:",
            "",
            *_costs(record["by facts"]),
            "",
            *[f"{name}: {why}." for name, why in record["left out"].items()],
        ]
    )


def _costs(record: Record) -> list[str]:
    systems = record["systems"]
    return [
        "| | " + " | ".join(systems) + " |",
        "|---|" + "---|" * len(systems),
        *[
            f"| {name} | " + " | ".join(f"{of['cpu_ms'][name]:.2f}" for of in systems.values()) + " |"
            for name in ("p50", "p99")
        ],
    ]


def _successes(figures: Mapping[str, float]) -> str:
    return f"{figures['success@1']:.3f}, {figures['success@10']:.3f}"


def best_peer(record: Record, kind: str, figure: str = "MRR@10") -> tuple[str, float]:
    """The peer that is best at this kind of question."""
    peers = {name: of["kinds"][kind][figure] for name, of in record["systems"].items() if name not in (OURS, SUGGEST)}
    best = max(peers, key=lambda name: peers[name])
    return best, peers[best]


def _table(record: Record, cell: Any, *, lead: str | None = None) -> list[str]:
    """With a `lead`, the best of each row is in bold and what could be reached is beside it."""
    systems = record["systems"]
    names = [*systems, *(["reachable"] if lead else [])]
    lines = ["| kind of question | questions | " + " | ".join(names) + " |", "|---|---|" + "---|" * len(names)]
    for kind, ours in systems[OURS]["kinds"].items():
        best = max(of["kinds"][kind][lead] for of in systems.values()) if lead else None
        cells = []
        for of in systems.values():
            figures = of["kinds"][kind]
            text = cell(figures)
            cells.append(f"**{text}**" if lead and figures[lead] == best else text)
        if lead:
            cells.append(f"{record['reachable'][kind]:.3f}")
        lines.append(f"| {kind} | {ours['questions']} | " + " | ".join(cells) + " |")
    return lines


def _standing(record: Record) -> list[str]:
    if not record["systems"].keys() - {OURS, SUGGEST}:
        return []
    ours = record["systems"][OURS]["kinds"]
    name, peer = best_peer(record, ALL)
    reached = ours[ALL]["MRR@10"]
    reachable = record["reachable"][ALL]
    stands = f"{reached:.3f}, the best peer ({name}) {peer:.3f}: {reached / peer - 1:+.1%}"
    lines = [f"Over all kinds alike: {stands}. Reachable are {reachable:.3f}: {reachable / peer - 1:+.1%}."]
    for kind, figures in ours.items():
        name, peer = best_peer(record, kind)
        if figures["MRR@10"] < peer - NOTICEABLE:
            lines.append(f"Behind at “{kind}”: {figures['MRR@10'] / peer - 1:+.1%} to {name}.")
    return lines


def _fitted(record: Record) -> list[str]:
    if not record["fitted"]:
        return []
    return [
        "",
        "## Weights tried, on the other half of the questions",
        "",
        "`text` is times the field boosts in service.",
        "",
        "| popularity | text | MRR@10 by title | by other facts |",
        "|---|---|---|---|",
        *[
            f"| {one['popularity']} | {one['text']} | {one['by title']:.4f} | {one['by facts']:.4f} |"
            for one in record["fitted"]
        ],
    ]
