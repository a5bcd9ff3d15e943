"""Known films asked for, of our search and of its peers; imported once Django is set up, whose settings choose SQLite's
module."""

from __future__ import annotations

import argparse
import datetime as dt
import importlib.metadata
import platform
import sqlite3
import sys
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from benchmarks.search import by_facts, ceiling, films, fitting, known_items, measuring, postgresql, systems
from benchmarks.search.known_items import Film, KnownItem
from matinee.search.index import refresh_index, search_index

LEFT_OUT = {
    postgresql.PostgreSQL.name: "not measured: no server with PostgreSQL's contrib modules is installed here (Debian's "
    "package postgresql is one)"
}


def measured(folder: Path, options: argparse.Namespace) -> dict[str, Any]:
    tell("loading the films")
    there = films.load(folder)
    started = time.process_time()
    refresh_index()
    build = time.process_time() - started
    index = search_index()
    assert index is not None
    to_fit, to_report = known_items.halves(known_items.known_items(there, each=options.each, seed=options.seed))
    by_fact = known_items.known_items(there, each=options.each, seed=options.seed, kinds=by_facts.KINDS)
    facts_to_fit, facts_to_report = known_items.halves(by_fact)
    asked: list[measuring.System] = [systems.Matinee(), systems.MatineeSuggest()]
    asked_by_fact: list[measuring.System] = [systems.Matinee()]
    if not options.without_peers:
        asked += systems.peers(there)
        asked_by_fact += systems.peers_by_facts(there)
    results, results_by_fact = _answers(asked, to_report), _answers(asked_by_fact, facts_to_report)
    if not options.without_peers:
        results |= _of_postgresql(postgresql.PostgreSQL, there, to_report)
        results_by_fact |= _of_postgresql(postgresql.PostgreSQLByFacts, there, facts_to_report)
    if options.fit:
        tell("trying weights on the other half")
    return {
        "about": {
            "Date": dt.datetime.now(dt.UTC).date().isoformat(),
            "Machine": f"{platform.machine()}, Python {platform.python_version()}, SQLite {sqlite3.sqlite_version}",
            "Packages": ", ".join(f"{name} {importlib.metadata.version(name)}" for name in ("tantivy", "rapidfuzz")),
            "Server": postgresql.version() or "none with pg_trgm",
            "Films": f"{len(there):,}",
            "Questions reported": f"{len(to_report):,}",
            "Questions to fit on": f"{len(to_fit):,}",
            "Questions by facts": f"{len(facts_to_report):,}",
            "Films whose people are known": f"{sum(bool(film.cast) for film in there):,}",
            "Index": f"{sum(file.stat().st_size for file in index.files) / 2**20:.1f} MiB, "
            f"built in {build:.1f} s of CPU, reading the database included",
        },
        "systems": results,
        "reachable": ceiling.reachable(there, to_report),
        "by facts": {"systems": results_by_fact, "reachable": ceiling.reachable(there, facts_to_report)},
        "left out": {} if options.without_peers or postgresql.installed() else LEFT_OUT,
        "fitted": fitting.tried(to_fit, facts_to_fit) if options.fit else [],
    }


def _answers(asked: Sequence[measuring.System], items: list[KnownItem]) -> dict[str, Any]:
    results = {}
    for system in asked:
        tell(system.name)
        results[system.name] = measuring.measure(system, items)
    return results


def _of_postgresql(kind: type[postgresql.PostgreSQL], there: list[Film], items: list[KnownItem]) -> dict[str, Any]:
    programs = postgresql.installed()
    if programs is None:
        return {}
    tell(postgresql.PostgreSQL.name)
    with postgresql.server(programs) as connection:
        system = kind(connection, there)
        return {system.name: measuring.measure(system, items, clock=system.clock)}


def tell(what: str) -> None:
    print(what, file=sys.stderr, flush=True)
