"""`matinee evaluate`: how good the recommendations are, on this instance's data or on any ratings file."""

from __future__ import annotations

import contextlib
import json
import os
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser
from django.utils import timezone
from tqdm import tqdm

from matinee.core.database import refuse_outdated_database
from matinee.core.exit_codes import STOPPED
from matinee.engine.evaluation.metrics import METRICS
from matinee.recommendations.evaluation import (
    BEYOND,
    FEW_SIGNALS,
    OURS,
    PREDICTED_RATINGS,
    Dataset,
    Evaluation,
    Outcome,
    RatingOutcome,
    evaluate,
    file_dataset,
    own_dataset,
    steps_of,
)
from matinee.recommendations.ratings_file import BadRatingsFile


class Command(BaseCommand):
    help = (
        "Measure the recommendations on this instance's own and community ratings, or on a file of ratings. Each "
        "figure is the mean over people with the interval of 95 of 100 bootstrap means; nothing is published. "
        f"Exit codes: 0 measured, {os.EX_DATAERR} the ratings are not right or there are none, {os.EX_NOINPUT} the "
        f"file can't be read, {os.EX_CANTCREAT} the JSON can't be written, {STOPPED} stopped by Ctrl-C."
    )

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument(
            "--ratings",
            type=Path,
            metavar="FILE.csv",
            help="userId,movieId,rating and perhaps timestamp, as MovieLens writes them; 0.5 to 5 stars",
        )
        parser.add_argument("--json", dest="out", type=Path, metavar="OUT", help="write the figures to this file, too")

    def handle(self, *, ratings: Path | None, out: Path | None, **_options: Any) -> None:
        if out is not None and (out.is_dir() or not os.access(out.parent, os.W_OK)):
            raise CommandError(f"{out} can't be written.", returncode=os.EX_CANTCREAT)
        try:
            evaluation = _evaluated(ratings)
        except KeyboardInterrupt as error:
            raise CommandError("Stopped before the end. Nothing was changed.", returncode=STOPPED) from error
        self.stdout.write("\n".join(_table(evaluation)))
        if out is not None:
            _write(evaluation, out)


def _evaluated(file: Path | None) -> Evaluation:
    with _progress() as progress:
        progress("Reading ratings", None)
        dataset = _dataset(file)
        if dataset.ratings.size == 0:
            raise CommandError("There are no ratings to measure on.", returncode=os.EX_DATAERR)
        steps = steps_of(dataset)
        return evaluate(dataset, on_step=lambda step: progress(step, steps))


def _dataset(file: Path | None) -> Dataset:
    if file is None:
        refuse_outdated_database()
        return own_dataset(now=timezone.now())
    try:
        return file_dataset(file)
    except BadRatingsFile as error:
        raise CommandError(str(error), returncode=os.EX_DATAERR) from error
    except OSError as error:
        raise CommandError(f"{file} can't be read: {error.strerror}.", returncode=os.EX_NOINPUT) from error


def _write(evaluation: Evaluation, path: Path) -> None:
    """Whole or not at all."""
    staged = path.with_name(f".{path.name}.{os.getpid()}")
    try:
        staged.write_text(json.dumps(evaluation.as_json(), indent=1) + "\n", encoding="utf-8")
        staged.replace(path)
    except OSError as error:
        staged.unlink(missing_ok=True)
        raise CommandError(f"{path} can't be written: {error.strerror}.", returncode=os.EX_CANTCREAT) from error


def _table(evaluation: Evaluation) -> Iterator[str]:
    data = evaluation.data
    yield (
        f"# {data['name']}: {data['ratings']:,} ratings by {data['people']:,} people of {data['films']:,} films; "
        f"{data['films_that_can_be_recommended']:,} can be recommended"
    )
    for title, outcome in evaluation.outcomes.items():
        yield from ("", f"## {title}", "", *_outcome(outcome))
    if evaluation.few_signals:
        yield from ("", f"## {FEW_SIGNALS}", "", "| signals | NDCG@100 |", "|---|---|")
        for count, figure in evaluation.few_signals.items():
            yield f"| {count} | {figure.mean:.4f} ({figure.low:.3f} to {figure.high:.3f}) |"
    if evaluation.beyond_accuracy:
        yield from ("", f"## {BEYOND}", "")
        yield ", ".join(f"{name} {value:.3f}" for name, value in evaluation.beyond_accuracy.items())
    if evaluation.predicted_ratings is not None:
        yield from ("", f"## {PREDICTED_RATINGS}", "", *_rating_outcome(evaluation.predicted_ratings))
    if evaluation.left_out:
        yield from ("", "## left out", "", *(f"- {title}: {reason}" for title, reason in evaluation.left_out.items()))


def _outcome(outcome: Outcome) -> Iterator[str]:
    yield f"| {outcome.people:,} people | {' | '.join(METRICS)} |"
    yield f"|---|{'---|' * len(METRICS)}"
    for system, estimates in outcome.systems.items():
        cells = (f"{each.mean:.4f} ({each.low:.3f} to {each.high:.3f})" for each in map(estimates.get, METRICS) if each)
        yield f"| {system} | {' | '.join(cells)} |"
    other = next(system for system in outcome.systems if system != OURS)
    leads = (f"{lead.relative:+.1%} ({lead.low:+.1%} to {lead.high:+.1%})" for lead in outcome.lead.values())
    yield f"| over {other} | {' | '.join(leads)} |"


def _rating_outcome(outcome: RatingOutcome) -> Iterator[str]:
    yield f"| {outcome.people:,} people | mean error | RMSE | calibration error |"
    yield "|---|---|---|---|"
    for system, accuracy in outcome.systems.items():
        estimates = (accuracy.mae, accuracy.rmse, accuracy.calibration_error)
        cells = (f"{each.mean:.4f} ({each.low:.3f} to {each.high:.3f})" for each in estimates)
        yield f"| {system} | {' | '.join(cells)} |"
    leads = (f"{lead.relative:+.1%} ({lead.low:+.1%} to {lead.high:+.1%})" for lead in outcome.lead.values())
    yield f"| over the best other | {' | '.join(leads)} | |"
    yield from ("", "| predicted | ratings | mean predicted | mean given |", "|---|---|---|---|")
    for point in outcome.systems[OURS].curve:
        given = f"{point.given.mean:.2f} ({point.given.low:.2f} to {point.given.high:.2f})"
        yield f"| {point.low} to {point.high} | {point.ratings:,} | {point.predicted:.2f} | {given} |"


@contextlib.contextmanager
def _progress() -> Iterator[Callable[[str, int | None], None]]:
    """A bar on standard error where a person watches, a line a step where nobody does; (step, how many in all)."""
    if not sys.stderr.isatty():

        def tell(step: str, _whole: int | None) -> None:
            sys.stderr.write(f"{step} ...\n")
            sys.stderr.flush()

        yield tell
        return
    with tqdm(unit="step", bar_format="{desc}{percentage:3.0f}% |{bar}| {elapsed}") as bar:

        def show(step: str, whole: int | None) -> None:
            if bar.total is not None:
                bar.update()
            bar.total = whole
            bar.set_description(step)

        yield show
        bar.update((bar.total or 0) - bar.n)
