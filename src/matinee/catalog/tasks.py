"""Work that the job worker does for the catalogue."""

from __future__ import annotations

from django_tasks import task

from matinee.catalog import cards, columns, published_postings


@task(queue_name=f"default:{columns.KIND}")
def refresh_columns() -> None:
    columns.refresh_columns()


@task(queue_name=f"default:{published_postings.KIND}")
def refresh_postings() -> None:
    published_postings.refresh_postings()


@task(queue_name=f"default:{cards.KIND}")
def refresh_cards() -> None:
    cards.refresh_cards()
