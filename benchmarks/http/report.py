"""A run's result as JSON, and as tables that a person reads."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field
from statistics import median
from typing import Any

from benchmarks.http.measuring import Measurement

FIGURES = {
    "cpu_ms": "CPU a request, ms",
    "requests_per_second": "requests/s",
    "p50_ms": "p50, ms",
    "p99_ms": "p99, ms",
}
MORE_IS_BETTER = frozenset({"requests_per_second"})
MIB = 2**20


@dataclass(frozen=True)
class Result:
    """`rounds` has, by endpoint and server, one measurement a round; the first server is ours."""

    about: Mapping[str, Any]
    servers: Sequence[str]
    rounds: Mapping[str, Mapping[str, Sequence[Measurement]]]
    memory_bytes: Mapping[str, Mapping[str, int]] = field(default_factory=dict)
    """By server: proportional set size of its tree when it had just started, and after all rounds."""


def summary(result: Result) -> dict[str, Any]:
    """By endpoint: every server's medians, lowest and highest; and by how much ours is better, round by round."""
    ours = result.servers[0]
    return {
        endpoint: {
            "servers": {
                server: {name: spread([getattr(one, name) for one in rounds]) for name in FIGURES}
                for server, rounds in by_server.items()
            },
            "better_by": {
                server: better_by(by_server[ours], rounds) for server, rounds in by_server.items() if server != ours
            },
        }
        for endpoint, by_server in result.rounds.items()
    }


def better_by(ours: Sequence[Measurement], theirs: Sequence[Measurement]) -> dict[str, dict[str, float]]:
    """By figure: how many times better ours is, each round compared with the same round, so that a slow minute of the
    machine counts for both. 2 is half the CPU or latency, or twice the requests; under 1, the peer is better."""
    ratios: dict[str, dict[str, float]] = {}
    for name in FIGURES:
        pairs = [(getattr(one, name), getattr(other, name)) for one, other in zip(ours, theirs, strict=True)]
        ratios[name] = spread([one / other if name in MORE_IS_BETTER else other / one for one, other in pairs])
    return ratios


def markdown(result: Result) -> str:
    figures = summary(result)
    lines = [
        "# HTTP: Matinee beside what people would build",
        "",
        "Made by `python -m benchmarks.http`; [benchmarks/README.md](../README.md) says what is measured and how.",
        "",
        *[f"- {name}: {value}" for name, value in result.about.items()],
        f"- {conditions(asdict(result)['rounds'])}",
        "",
        "Medians of all rounds, with the lowest and the highest in brackets. CPU a request is the leading figure:",
        "user and system time of the server's whole tree of processes.",
        "",
        *medians(figures),
        "",
        f"How many times better {result.servers[0]} is than the others (less CPU, more requests/s, less latency),",
        "round by round; under 1 it is worse:",
        "",
        f"| request | than | {' | '.join(name.partition(',')[0] for name in FIGURES.values())} |",
        f"|---|---|{'---|' * len(FIGURES)}",
        *[
            f"| {endpoint} | {server} | {' | '.join(shown(ratios[name]) for name in FIGURES)} |"
            for endpoint, of_endpoint in figures.items()
            for server, ratios in of_endpoint["better_by"].items()
        ],
        "",
        "| memory of the tree (PSS), MiB | just started | after all rounds |",
        "|---|---|---|",
        *[
            f"| {server} | {memory['started'] / MIB:.0f} | {memory['ended'] / MIB:.0f} |"
            for server, memory in result.memory_bytes.items()
        ],
    ]
    return "\n".join(lines) + "\n"


def page(title: str, program: str, about: Mapping[str, Any], body: Sequence[str], *, beside: str = "") -> str:
    """Everything that was measured by a program, under what it was measured with; `beside` is what else was at work."""
    lines = [
        f"# {title}",
        "",
        f"Made by `python -m {program}`; [benchmarks/README.md](../README.md) says what is measured.",
        "",
        *[f"- {name}: {value}" for name, value in about.items()],
        *([f"- {beside}"] if beside else []),
        "",
        *body,
    ]
    return "\n".join(lines) + "\n"


def passage(about: Mapping[str, Any], body: Sequence[str], *, what: str = "", beside: str = "") -> str:
    """What docs/performance.md says of it; `what` stands behind the load."""
    head = f"{about['Date']}, {about['Command']}, {about['Machine']}. {about['Load']}{what}. {beside}"
    return "\n".join([head.rstrip(), "", *body])


def medians(figures: Mapping[str, Any]) -> list[str]:
    """The table of a `summary`'s medians."""
    return [
        f"| request | server | {' | '.join(FIGURES.values())} |",
        f"|---|---|{'---|' * len(FIGURES)}",
        *[
            f"| {endpoint} | {server} | {' | '.join(shown(spreads[name]) for name in FIGURES)} |"
            for endpoint, of_endpoint in figures.items()
            for server, spreads in of_endpoint["servers"].items()
        ],
    ]


def conditions(rounds: Mapping[str, Mapping[str, Sequence[Mapping[str, Any]]]]) -> str:
    """What the load generator and everything else used meanwhile."""
    everywhere = [one for by_server in rounds.values() for of_server in by_server.values() for one in of_server]
    others = [one["others_cores"] for one in everywhere]
    return (
        f"Load generator: at most {max(one['client_cpu_ms'] for one in everywhere):.2f} ms of CPU a request, its start "
        f"included, on the same cores. Everything else on the machine used {median(others):.2f} cores in the median, "
        f"{max(others):.2f} at most."
    )


def spread(values: Sequence[float]) -> dict[str, float]:
    return {"median": median(values), "lowest": min(values), "highest": max(values)}


def shown(spread: Mapping[str, float]) -> str:
    """The median, with the lowest and the highest behind it."""
    return f"{figure(spread['median'])} ({figure(spread['lowest'])} to {figure(spread['highest'])})"


def figure(value: float) -> str:
    """Three digits that count."""
    return f"{value:.0f}" if value >= 100 else f"{value:.1f}" if value >= 10 else f"{value:.2f}"
