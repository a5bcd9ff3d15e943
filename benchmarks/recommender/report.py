"""A run's JSON as tables that a person reads: all of it for results/, and what matters most for the docs."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from benchmarks.recommender.measuring import (
    BEYOND,
    FEW_SIGNALS,
    IN_TIME,
    LEADING,
    NEW_FILMS,
    NEW_INSTANCE,
    NEW_PEOPLE,
    OURS,
    SIGNALS,
    WITH_FACTS,
)
from matinee.engine.evaluation.metrics import METRICS

Record = Mapping[str, Any]
"""As `json.loads` gives it."""


def markdown(record: Record) -> str:
    """Everything that was measured."""
    lines = [
        "# The recommender beside its peers",
        "",
        "Made by `python -m benchmarks.recommender`; [docs/recommender.md](../../docs/recommender.md) says what is",
        "measured and how. Figures in brackets hold 95 of 100 bootstrap means over people.",
        "",
    ]
    for name, of_set in record["datasets"].items():
        lines += [f"## {name}", "", _size(of_set), ""]
        lines += [
            *[f"- {what}: {value}" for what, value in of_set["about"].items()],
            "",
            *_protocols(of_set),
            *_beyond(of_set),
            *_tuned(of_set),
        ]
        lines += [*[f"- {what}: left out. {why}" for what, why in of_set["left out"].items()], ""]
    return "\n".join(lines).rstrip() + "\n"


def summary(record: Record) -> str:
    """For the docs: of each data set one table of all systems, the leads, and what facts alone are good for."""
    lines = [
        "Every metric with its interval, what the peers were tuned to and more of what accuracy does not say:",
        "[benchmarks/results](../benchmarks/results/recommender.md).",
        "",
        "![NDCG@100 by how many ratings are shown, a line for each system](recommender-signals.svg)",
        "![NDCG@100 by the share of all films that are shown, a dot for each system](recommender-coverage.svg)",
        "",
    ]
    for name, of_set in record["datasets"].items():
        about, why = of_set["about"], of_set["left out"]
        lines += [f"### {name}", "", _size(of_set)]
        lines += [f"{about['Date']}, {about['Command']}: {about['Tuning']}.", "", *_overview(of_set), ""]
        lines += [*[f"- {what}: left out. {reason}" for what, reason in why.items()], *([""] if why else [])]
        for protocol in (NEW_PEOPLE, IN_TIME):
            if protocol in of_set:
                lines += _leads(of_set[protocol], protocol)
        lines += [_collapsing(of_set), ""]
        for protocol in (NEW_FILMS, NEW_INSTANCE):
            if protocol in of_set:
                lines += [f"{protocol.capitalize()}, NDCG@100:", "", *_times(of_set[protocol]), ""]
    return "\n".join(lines).rstrip() + "\n"


def _size(of_set: Record) -> str:
    return f"{of_set['ratings']:,} ratings by {of_set['people']:,} people of {of_set['films']:,} films."


def _overview(of_set: Record) -> list[str]:
    """One row a system, in the order of the first protocol."""
    protocols = [protocol for protocol in (NEW_PEOPLE, IN_TIME) if protocol in of_set]
    heads = [f"{protocol}: {metric}" for protocol in protocols for metric in LEADING]
    rows = []
    for system in of_set[NEW_PEOPLE]["systems"]:
        cells = [
            _estimate(of_set[protocol]["systems"].get(system, {}).get(metric))
            for protocol in protocols
            for metric in LEADING
        ]
        few, beyond = of_set.get(FEW_SIGNALS, {"systems": {}})["systems"].get(system), of_set[BEYOND][system]
        cells += [
            f"{few['5 of 40']['mean']:.2f}" if few else "",
            f"{beyond['Coverage@20']:.3f}",
            f"{beyond['Head@20']:.2f}",
        ]
        rows.append([system, *cells])
    return _table(["system", *heads, "5 signals of 40", "coverage", "head"], rows)


def _protocols(of_set: Record) -> list[str]:
    lines = []
    for protocol in (NEW_PEOPLE, IN_TIME):
        if protocol in of_set:
            rows = [
                [system, *[_estimate(by_metric[metric]) for metric in METRICS]]
                for system, by_metric in of_set[protocol]["systems"].items()
            ]
            lines += [_title(protocol, of_set[protocol]), "", *_table(["system", *METRICS], rows), ""]
            lines += _leads(of_set[protocol], protocol)
        if protocol == NEW_PEOPLE:
            lines += [_collapsing(of_set), ""]
    if FEW_SIGNALS in of_set:
        lines += _few(of_set[FEW_SIGNALS])
    for protocol in (NEW_FILMS, NEW_INSTANCE):
        if protocol in of_set:
            lines += [_title(protocol, of_set[protocol]), "", *_times(of_set[protocol]), ""]
    return lines


def _few(few: Record) -> list[str]:
    rows = [
        [system, *[_estimate(each["NDCG@100"][str(count)]) for count in SIGNALS], _estimate(each["5 of 40"], digits=2)]
        for system, each in few["systems"].items()
    ]
    title = _title(FEW_SIGNALS, few) + ": NDCG@100 by the number of ratings that are shown"
    return [title, "", *_table(["system", *map(str, SIGNALS), "5 of 40"], rows), ""]


def _title(protocol: str, outcome: Record) -> str:
    return f"### {protocol.capitalize()}, {outcome['people']:,} asked"


def _leads(outcome: Record, protocol: str) -> list[str]:
    lines = []
    for metric, lead in outcome["leads"].items():
        leads = [f"{system} {_lead(lead[system])}" for system in (OURS, WITH_FACTS) if system in lead]
        lines.append(f"- {protocol}, {metric}, over {lead['over']}, the best of the peers: {'; '.join(leads)}")
    return [*lines, ""]


def _collapsing(of_set: Record) -> str:
    lead = of_set[NEW_PEOPLE]["collapsing"]
    return f"What keeping only the strongest links of each film changes in NDCG@100: {_lead(lead)}."


def _times(outcome: Record) -> list[str]:
    """One row a system, and how many times as good ours is."""
    rows = [
        [
            system,
            _estimate(by_metric["NDCG@100"]),
            _estimate(by_metric["Recall@20"]),
            _estimate(outcome["times"].get(system), digits=2),
        ]
        for system, by_metric in outcome["systems"].items()
    ]
    return _table(["system", "NDCG@100", "Recall@20", "Matinee is so many times as good"], rows)


def _beyond(of_set: Record) -> list[str]:
    measures = list(of_set[BEYOND][OURS])
    rows = [
        [system, *[f"{figures[measure]:.3f}" for measure in measures]] for system, figures in of_set[BEYOND].items()
    ]
    return [f"### {BEYOND.capitalize()}", "", *_table(["system", *measures], rows), ""]


def _tuned(of_set: Record) -> list[str]:
    rows = [
        [
            system,
            str(tuned["trials"]),
            f"{tuned['figure']:.4f}",
            ", ".join(f"{name} {value}" for name, value in tuned["parameters"].items()),
        ]
        for system, tuned in of_set["tuned"].items()
    ]
    return ["### What the peers were tuned to", "", *_table(["system", "trials", "NDCG@100", "parameters"], rows), ""]


def _table(heads: Sequence[str], rows: Iterable[Sequence[str]]) -> list[str]:
    lines = [f"| {' | '.join(heads)} |", f"|{'---|' * len(heads)}"]
    for system, *cells in rows:
        shown = [f"**{cell}**" if system in (OURS, WITH_FACTS) and cell else cell for cell in (system, *cells)]
        lines.append(f"| {' | '.join(shown)} |")
    return lines


def _estimate(figure: Record | None, digits: int = 3) -> str:
    if figure is None:
        return ""
    return f"{figure['mean']:.{digits}f} ({figure['low']:.{digits}f} to {figure['high']:.{digits}f})"


def _lead(lead: Record) -> str:
    return f"{lead['relative']:+.1%} ({lead['low']:+.1%} to {lead['high']:+.1%})"
