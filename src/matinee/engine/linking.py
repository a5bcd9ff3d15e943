"""Which items are fitted together, and how the links between all of them come about."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from scipy import sparse

from matinee.engine.arrays import Doubles, Flags
from matinee.engine.config import EngineConfig
from matinee.engine.content import likeness
from matinee.engine.ease import Ease, TwoFits, strongest_weights
from matinee.engine.links import thinned, weakest
from matinee.engine.pairs import Evidence, Places
from matinee.engine.tail import tail_links

Piece = tuple[sparse.csr_matrix, Places, Places]
"""Links, and where their rows and columns stand among all items."""


@dataclass(frozen=True)
class Items:
    """n items that take part in the fit."""

    evidence: Evidence
    """Of all n."""

    ridge_of_few: Doubles
    """(n,) D of the fit that counts beside short histories."""

    counts: Doubles
    """(n,) ratings."""

    prior: Doubles
    """(n,) 0 to 1: how likely an item without ratings is to be known."""

    is_sender: Flags
    """(n,) it can stand in a history."""

    is_scored: Flags
    """(n,) it can be recommended."""


@dataclass(frozen=True)
class ItemLinks:
    """From items that can stand in a history to items that can be recommended."""

    of_many: sparse.csr_matrix
    """(n, n) as they are beside a long history."""

    of_few: sparse.csr_matrix
    """(n, n) the same links as they are beside a history of a few items."""


def item_links(items: Items, config: EngineConfig) -> ItemLinks:
    """The strongest links of each item, by the mean of both weights.

    Head and tail are fitted by a regression each, and each item of the tail is bordered to the head. So a film that few
    have rated is linked to what people's histories hold, as if it were the only one of its kind: in one regression over
    all, films that hardly anybody has in their history would take part of what is known of it (decision 8
    has the figures). Where nobody has rated anything, everything is tail. What the second regression has no room for is
    linked to the tail by likeness alone. Links within the head have two weights, one for long histories and one for
    short ones; those of the tail, of which little is known either way, have one.
    """
    order = np.lexsort((-items.prior, -items.counts))
    is_head = items.counts[order] >= config.head_ratings
    head = np.sort(order[is_head][: config.at_once])
    is_useful = items.is_sender | items.is_scored
    is_useful[head] = False
    tail = order[is_useful[order]]
    near = np.sort(tail[: config.at_once])
    of_tail = items.evidence.with_content_times(config.tail_content_weight / config.content_weight)

    of_head = TwoFits.fit(items.evidence.of(head), items.ridge_of_few[head])
    pieces = _head_links(items, of_head, head, np.sort(tail), config)
    pieces.append(_within(items, Ease.fit(of_tail.of(near)), near, config))
    if len(near) < len(tail):
        pieces.append(_far_links(items, of_tail, np.sort(tail), near, config))
    return _apart(thinned(_placed(pieces, len(order)), config.neighbours), of_head, head)


def _head_links(items: Items, fitted: TwoFits, head: Places, tail: Places, config: EngineConfig) -> list[Piece]:
    """Links among the head, and between it and each item of the tail."""
    within = _within(items, fitted, head, config)
    if not len(head) or not len(tail):
        return [within]
    bars = np.full(len(head), np.inf, dtype=np.float32)
    bars[items.is_sender[head]] = weakest(within[0], config.neighbours)
    between = tail_links(
        fitted.of_many,
        items.evidence.of(head),
        items.evidence.of(tail),
        bars=bars,
        is_scored=items.is_scored[head],
        count=config.neighbours,
    )
    scored, senders = np.flatnonzero(items.is_scored[tail]), np.flatnonzero(items.is_sender[tail])
    return [
        within,
        (between.from_head[:, scored], head, tail[scored]),
        (between.from_tail[senders], tail[senders], head),
    ]


def _within(items: Items, fitted: Ease | TwoFits, places: Places, config: EngineConfig) -> Piece:
    """Links among the items of one regression."""
    senders, receivers = np.flatnonzero(items.is_sender[places]), np.flatnonzero(items.is_scored[places])
    return strongest_weights(fitted, senders, receivers, config.neighbours), places[senders], places[receivers]


def _apart(means: sparse.csr_matrix, fitted: TwoFits, head: Places) -> ItemLinks:
    """Both weights of links that hold the mean of both."""
    place_in_head = np.full(means.shape[0], -1)
    place_in_head[head] = np.arange(len(head))
    senders = np.repeat(place_in_head, np.diff(means.indptr))
    receivers = place_in_head[means.indices]
    within = np.flatnonzero((senders >= 0) & (receivers >= 0))
    links = ItemLinks(of_many=means, of_few=means.copy())
    links.of_many.data[within] = fitted.of_many.between(senders[within], receivers[within])
    links.of_few.data[within] = np.float32(fitted.scale) * fitted.of_few.between(senders[within], receivers[within])
    return links


def _far_links(items: Items, of_tail: Evidence, tail: Places, near: Places, config: EngineConfig) -> Piece:
    """Links within the tail by content alone, wherever one end is in no regression.

    Their weight is what the regression gives to two items that nobody rated, alone in the world.
    """
    alike = likeness(of_tail.features[tail], config.neighbours).tocoo()
    is_far = ~np.isin(tail, near)
    kept = (is_far[alike.row] | is_far[alike.col]) & items.is_sender[tail[alike.row]] & items.is_scored[tail[alike.col]]
    weights = alike.data[kept] / (config.tail_content_weight + config.ease.l2)
    shape = (len(tail), len(tail))
    return sparse.csr_matrix((weights, (alike.row[kept], alike.col[kept])), shape=shape), tail, tail


def _placed(pieces: Sequence[Piece], n_items: int) -> sparse.csr_matrix:
    """All pieces in their places of the whole (n, n)."""
    cells = [(links.tocoo(), rows, columns) for links, rows, columns in pieces]
    weights = np.concatenate([links.data for links, _, _ in cells])
    rows = np.concatenate([places[links.row] for links, places, _ in cells])
    columns = np.concatenate([places[links.col] for links, _, places in cells])
    return sparse.csr_matrix((weights, (rows, columns)), shape=(n_items, n_items))
