"""Work that the job worker does for the catalogue."""

from __future__ import annotations

from django_tasks import task

from matinee.catalog import cards, columns, published_postings


@task()
def refresh_columns() -> None:
    columns.refresh_columns()


@task()
def refresh_postings() -> None:
    published_postings.refresh_postings()


@task()
def refresh_cards() -> None:
    cards.refresh_cards()
