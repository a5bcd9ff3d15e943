"""Everything that is published of the catalogue, brought up to date at once: for who loads films or starts serving."""

from __future__ import annotations

from matinee.catalog.cards import cards_are_stale, refresh_cards
from matinee.catalog.columns import columns_are_stale, refresh_columns
from matinee.catalog.published_postings import postings_are_stale, refresh_postings


def publish_what_is_stale() -> None:
    if columns_are_stale():
        refresh_columns()
    if postings_are_stale():
        refresh_postings()
    if cards_are_stale():
        refresh_cards()
