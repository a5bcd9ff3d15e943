"""What other nodes published that a training must know: without it its model would be worse than theirs, and newer.

The courier of this node brings all that, too; but a training may begin before it, or where there is none.
"""

from __future__ import annotations

import logging
from collections.abc import Sequence

from django.conf import settings

from matinee.core.artifacts import ArtifactStore, DamagedArtifact
from matinee.core.depot import DepotAway, depot
from matinee.recommendations.community import KIND_PREFIX
from matinee.recommendations.freshness import MODEL_KIND, REFUSAL_KIND

logger = logging.getLogger(__name__)


def take_in_what_they_published() -> bool:
    """Have the depot's newest sound model, refusal and community ratings in service here; False where it is away."""
    shared = depot()
    if shared is None:
        return True
    try:
        for kind, versions in shared.versions().items():
            if kind in {MODEL_KIND, REFUSAL_KIND} or kind.startswith(KIND_PREFIX):
                _take_in(ArtifactStore(settings.ARTIFACTS_DIR, kind), versions)
    except DepotAway as error:
        logger.error("This node can't tell what others published. %s", error)  # noqa: TRY400 - no trace needed
        return False
    return True


def _take_in(store: ArtifactStore, newest_first: Sequence[str]) -> None:
    with store.one_refresher():
        for version in newest_first:
            if version < (store.current_version() or ""):
                return
            try:
                store.serve(version)
            except DamagedArtifact as damage:
                logger.error("A version of the depot's is left out: %s", damage)  # noqa: TRY400 - no trace needed
            else:
                return
