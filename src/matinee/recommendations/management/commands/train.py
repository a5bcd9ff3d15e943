"""`matinee train`: fit and publish a model now."""

from __future__ import annotations

import os
from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser
from django.utils import timezone

from matinee.core.database import refuse_outdated_database
from matinee.recommendations.on_spark.needs import SparkCannotCount
from matinee.recommendations.training import EngineName, LearnedFromLess, TrainingUnderWay, train

WORSE = 3


class Command(BaseCommand):
    help = (
        "Fit a model on own and community ratings and on what the films are, and put it in service, unless it is worse "
        "than the one there beyond noise, for people whom neither has learned from. "
        f"Exit codes: 0 in service, {WORSE} worse and left out, {os.EX_TEMPFAIL} another training is under way, "
        "or the depot came back during this one."
    )

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument(
            "--engine",
            choices=["local", "spark"],
            help="where ratings are counted: here, or on Spark (default where MATINEE_SPARK_MASTER is set), which also "
            "reads the data sets of MATINEE_SPARK_PARQUET",
        )
        parser.add_argument("--force", action="store_true", help="put the model in service even where it is worse")

    def handle(self, *, force: bool, engine: EngineName | None, **_options: Any) -> None:
        refuse_outdated_database()
        try:
            report = train(now=timezone.now(), force=force, engine=engine, on_stage=self._tell)
        except (TrainingUnderWay, LearnedFromLess) as refusal:
            raise CommandError(refusal.detail, returncode=os.EX_TEMPFAIL) from refusal
        except SparkCannotCount as error:
            raise CommandError(str(error)) from error
        self.stdout.write(report.comparison)
        if not report.is_published:
            raise CommandError(
                f"The new model is worse, {report.version} stays in service. `matinee train --force` takes it anyway.",
                returncode=WORSE,
            )
        data = report.data
        community = "".join(f", {count:,} community ratings ({name})" for name, count in data.community_ratings.items())
        if data.parquet_ratings:
            community += f", {data.parquet_ratings:,} ratings from Parquet"
        self.stdout.write(
            f"Model {report.version} is in service. It knows {data.films:,} films, "
            f"{data.own_ratings:,} own ratings and favourites (people: {data.own_people:,}){community}."
        )

    def _tell(self, stage: str) -> None:
        self.stdout.write(f"{stage} ...")
        self.stdout.flush()
