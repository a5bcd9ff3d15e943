"""`matinee train`: fit and publish a model now."""

from __future__ import annotations

from typing import Any

from django.core.management.base import BaseCommand, CommandError
from django.utils import timezone

from matinee.recommendations.training import TrainingUnderWay, train

ANOTHER_IS_TRAINING = 75  # EX_TEMPFAIL


class Command(BaseCommand):
    help = (
        "Fit a model on own and community ratings and on what the films are, and put it in service. "
        f"Exit code {ANOTHER_IS_TRAINING} says that another training is under way."
    )

    def handle(self, **_options: Any) -> None:
        try:
            report = train(now=timezone.now(), on_stage=self._tell)
        except TrainingUnderWay as refusal:
            raise CommandError(refusal.detail, returncode=ANOTHER_IS_TRAINING) from refusal
        data = report.data
        community = "".join(f", {count:,} community ratings ({name})" for name, count in data.community_ratings.items())
        self.stdout.write(
            f"Model {report.version} is in service. It knows {data.films:,} films, "
            f"{data.own_ratings:,} own ratings and favourites (people: {data.own_people:,}){community}."
        )

    def _tell(self, stage: str) -> None:
        self.stdout.write(f"{stage} ...")
        self.stdout.flush()
