"""What holding back a franchise's further films costs: python -m benchmarks.recommender.franchises

People who are new, with facts, as an instance answers them: each list as it is ranked, and with at most so many films
of one franchise before all others. Ratings come without franchises. Those of TMDb's films of 2000 to 2012 are at hand,
and for all years films whose titles say so: "Star Trek: Generations" and "Star Trek VI: …", "Jaws" and "Jaws 2".
"""

from __future__ import annotations

import gzip
import json
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np

import benchmarks.django_ready  # noqa: F401 - models can be imported from here on
from benchmarks.paths import SHARED
from benchmarks.recommender.data import Dataset, datasets, widened
from benchmarks.recommender.measuring import LEADING
from benchmarks.recommender.progress import Progress
from matinee.catalog.matching import title_key
from matinee.engine.arrays import Doubles, Ids
from matinee.engine.evaluation.cases import DEPTH, Ranker, Rankings, Split
from matinee.engine.evaluation.metrics import Estimate, Lead, accuracy
from matinee.engine.evaluation.protocols import People, strong_generalisation
from matinee.engine.evaluation.systems import Engine
from matinee.engine.ranking import rank_few_of_each
from matinee.recommendations.serving import MOST_OF_A_COLLECTION

CAPS = (DEPTH, MOST_OF_A_COLLECTION, 1)
"""At most so many of one franchise; DEPTH of them are no cap."""
PAGE = 20

_SUBTITLE = re.compile(r"(?:: | - ).*", re.S)
_NUMBER = re.compile(r",? (?:part )?(?:\d+|[IVX]+)$", re.I)


@dataclass(frozen=True)
class Franchises:
    name: str
    of_films: Mapping[int, str]
    """Film id → franchise."""

    def groups(self, film_ids: Ids) -> Ids:
        """(n,) which franchise each film is of, 0 for none."""
        numbers = {name: number for number, name in enumerate(sorted(set(self.of_films.values())), 1)}
        return np.array([numbers.get(self.of_films.get(film, ""), 0) for film in film_ids.tolist()], dtype=np.int64)


@dataclass(frozen=True)
class Asked:
    """Of the people of one fold."""

    figures: Mapping[str, Doubles]
    """Metric → one figure a person."""
    rankings: Rankings


def collections(dataset: Dataset) -> Franchises:
    """TMDb's own."""
    with gzip.open(SHARED / "tmdb-movies-2000-2012.jsonl.gz", "rt", encoding="utf-8") as file:
        films = {film["id"]: film.get("belongs_to_collection") for film in map(json.loads, file)}
    rated = dataset.ratings.item_ids.tolist()
    return Franchises("TMDb's collections", {film: films[film]["name"] for film in rated if films.get(film)})


def by_title(dataset: Dataset) -> Franchises:
    """Films that are named alike but for a number at the end and a subtitle."""
    heads = {film: title_key(_NUMBER.sub("", _SUBTITLE.sub("", title))) for film, title in dataset.titles.items()}
    return Franchises("franchises by title", heads)


def capped(ranker: Ranker, split: Split, groups: Ids, most: int) -> Rankings:
    """As serving ranks: what a person has rated is out before anything is held back."""

    def best(scores: Doubles, seen: Ids) -> Ids:
        scores[np.isin(split.candidates, seen)] = -np.inf
        return split.candidates[rank_few_of_each(scores, DEPTH, groups, most)[0]]

    return Rankings(tuple(best(ranker(case, split.candidates), case.item_ids) for case in split.cases))


def measure(dataset: Dataset, kinds: Sequence[Franchises]) -> list[str]:
    """Lines of markdown, a table for each kind of franchise."""
    asked: dict[tuple[str, int], list[Asked]] = {(kind.name, most): [] for kind in kinds for most in CAPS}
    engine = Engine(widened(dataset.facts, dataset.ratings.item_ids))
    for fold in People.of(dataset.ratings).folds:
        split = strong_generalisation(dataset.ratings, fold)
        ranker = engine(split.train)
        for kind in kinds:
            groups = kind.groups(split.candidates)
            for most in CAPS:
                rankings = capped(ranker, split, groups, most)
                asked[kind.name, most].append(Asked(accuracy(rankings, split.cases), rankings))
    lines = []
    for kind in kinds:
        members = np.bincount(kind.groups(dataset.ratings.item_ids))[1:]
        larger = members[members > MOST_OF_A_COLLECTION]
        size = f"{len(larger)} with more than {MOST_OF_A_COLLECTION} rated films, {larger.sum()} films in all"
        head = ["at most", *LEADING, "first pages changed"]
        lines += [f"{dataset.name}, {kind.name}: {size}.", "", f"| {' | '.join(head)} |", "|---" * len(head) + "|"]
        lines += [_row(most, asked[kind.name, most], asked[kind.name, DEPTH]) for most in CAPS] + [""]
    return lines


def _row(most: int, asked: Sequence[Asked], plain: Sequence[Asked]) -> str:
    cells = []
    for metric in LEADING:
        ours, theirs = (np.concatenate([part.figures[metric] for part in each]) for each in (asked, plain))
        lead = Lead.of(ours, theirs)
        change = "" if most == DEPTH else f", {lead.relative:+.2%} ({lead.low:+.2%} to {lead.high:+.2%})"
        cells.append(f"{Estimate.of(ours).mean:.4f}{change}")
    pages, others = ([ranked[:PAGE] for part in each for ranked in part.rankings.lists] for each in (asked, plain))
    changed = np.mean([not np.array_equal(page, other) for page, other in zip(pages, others, strict=True)])
    return f"| {'any number' if most == DEPTH else most} | {' | '.join(cells)} | {changed:.1%} |"


def main() -> None:
    for dataset in datasets([], Progress()):
        print(*measure(dataset, [collections(dataset), by_title(dataset)]), sep="\n", flush=True)


if __name__ == "__main__":
    main()
