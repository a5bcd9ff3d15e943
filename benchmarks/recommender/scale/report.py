"""The table of how the fit grows."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, TypedDict

GIB, MIB = 2**30, 2**20


class Record(TypedDict):
    about: Mapping[str, str]
    sizes: Sequence[Mapping[str, Any]]
    """Of each size: people, films, ratings, and by system its figures."""


def markdown(record: Record) -> str:
    lines = [
        "# The recommender at scale",
        "",
        "Made by `python -m benchmarks.recommender.scale` from made-up (synthetic) ratings;",
        "[benchmarks/README.md](../README.md) says what is measured and how.",
        "",
        *[f"- {name}: {value}" for name, value in record["about"].items()],
        "",
        *table(record),
        *agreement(record),
    ]
    return "\n".join(lines) + "\n"


def table(record: Record) -> list[str]:
    lines = [
        "| ratings | people | films | system | fit, s | CPU, s | peak memory, GiB | input | model, MiB | NDCG@100 |",
        "|---|---|---|---|---|---|---|---|---|---|",
    ]
    for size in record["sizes"]:
        for system, one in size["systems"].items():
            quality = one["NDCG@100"]
            cells = [
                *(f"{size[name]:,}" for name in ("ratings", "people", "films")),
                system,
                f"{one['seconds']:.1f}",
                f"{one['cpu_seconds']:.1f}",
                f"{one['peak_bytes'] / GIB:.2f}",
                f"{one['input_bytes'] / GIB:.2f}",
                f"{one['artifact_bytes'] / MIB:.1f}",
                f"{quality['mean']:.3f} ({quality['low']:.3f} to {quality['high']:.3f})",
            ]
            lines.append(f"| {' | '.join(cells)} |")
    return lines


def agreement(record: Record) -> list[str]:
    """How far the model of ratings that Spark has counted is the one of those counted here."""
    lines = []
    for size in record["sizes"]:
        for system, one in size["systems"].items():
            if "same_films" in one:
                off = one["difference"]
                lines.append(
                    f"- {size['ratings']:,} ratings, {system}: {one['same_films']:.2%} of the films in its lists stand "
                    f"in the local fit's too; NDCG@100 {off['mean']:+.5f} ({off['low']:+.5f} to {off['high']:+.5f})."
                )
    return ["", *lines] if lines else []
