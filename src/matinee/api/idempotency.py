"""`Idempotency-Key`: a POST that comes again under the same key is not done again, and gets the first one's answer.

What a request does and the answer that is kept of it are one transaction, so that whoever is killed between the two
leaves both or neither. The claim to a key is committed before, so that a second request meanwhile learns of the first.
"""

from __future__ import annotations

import datetime as dt
import hmac
import math
import re
import secrets
from collections.abc import Callable, Mapping, Sequence
from functools import wraps
from typing import Any

from django.conf import settings
from django.db import transaction
from django.db.models import Count, Min
from django.http import HttpRequest, HttpResponse
from django.utils import timezone

from matinee.accounts.models import User
from matinee.api.authentication import reader_of
from matinee.api.models import KeptAnswer
from matinee.core.instants import stored
from matinee.core.refusals import BadRequest, Conflict, Invalid, Refusal, TooMany
from matinee.core.statements import fetched
from matinee.tmdb.services import FilmWanted, fetch

HEADER = "Idempotency-Key"
REPLAYED = "Idempotency-Replayed"
FORM = re.compile(r"[\x21-\x7e]{1,255}")
KEPT_FOR = dt.timedelta(hours=24)
TAKEN_FOR_DEAD_AFTER = dt.timedelta(seconds=30)
"""An attempt that has not answered by then may be made anew; should it still be alive, it changes nothing any more."""
MOST_KEYS = 5_000
"""Of a person at once: whoever writes all day long, as fast as they may, fills 200 MB in place of 17 GB."""
PURPOSE = b"matinee idempotency, 1"
WITH_TOKENS = frozenset({"register", "login", "token_refresh"})
"""The routes whose answers are never kept, by name."""

CLAIM = """
INSERT INTO api_keptanswer (user_id, key, request, claim, claimed_at, headers, body)
SELECT %s, %s, %s, %s, %s, '{}', %s WHERE (SELECT COUNT(*) FROM api_keptanswer WHERE user_id = %s) < %s
ON CONFLICT (user_id, key) DO NOTHING RETURNING id
"""

Endpoint = Callable[..., HttpResponse]


class BadKey(BadRequest):
    code = "invalid_idempotency_key"


class KeyReused(Invalid):
    code = "idempotency_key_reused"


class InFlight(Conflict):
    code = "request_in_flight"


class TooManyKeys(TooMany):
    code = "too_many_idempotency_keys"


def once(endpoint: Endpoint) -> Endpoint:
    """`endpoint`, whose answers to people who send a key with a POST are kept. Without a key it costs nothing."""

    @wraps(endpoint)
    def called(request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponse:
        key = request.headers.get(HEADER) if request.method == "POST" else None
        user = None if key is None else reader_of(request)
        if key is None or user is None or _name_of(request) in WITH_TOKENS:
            return endpoint(request, *args, **kwargs)
        if not FORM.fullmatch(key):
            raise BadKey(f"{HEADER} must be 1 to 255 visible ASCII characters.")
        kept = _claimed(user, key, _digests(request), now=timezone.now())
        if kept.status is not None:
            return _replayed(kept)
        try:
            try:
                return _done(kept, lambda: endpoint(request, *args, **kwargs))
            except FilmWanted as wanted:
                fetch(wanted.tmdb_id)  # from TMDb, outside any transaction
                return _done(kept, lambda: endpoint(request, *args, **kwargs))
        except BaseException:
            _claim_of(kept).delete()
            raise

    return called


def forget_old(*, now: dt.datetime) -> int:
    """Delete the answers that are no longer kept; returns how many."""
    deleted, _ = KeptAnswer.objects.filter(claimed_at__lte=now - KEPT_FOR).delete()
    return deleted


def _claimed(user: User, key: str, digests: Sequence[str], *, now: dt.datetime) -> KeptAnswer:
    """The row of this key: ours to answer while its status is None, answered before where not.

    Raises KeyReused, InFlight while somebody else is at it, or TooManyKeys.
    """
    mine = {"request": digests[0], "claim": secrets.token_hex(16), "claimed_at": now, "status": None}
    if new := _new(user, key, mine):
        return new
    kept = KeptAnswer.objects.filter(user_id=user.pk, key=key).first()
    if kept is None:
        if forget_old(now=now):
            return _claimed(user, key, digests, now=now)
        raise _no_room(user, now=now)
    if kept.claimed_at > now - KEPT_FOR:
        if kept.request not in digests:
            raise KeyReused(f"This {HEADER} was sent with another request before.")
        if kept.status is not None:
            return kept
        if kept.claimed_at > now - TAKEN_FOR_DEAD_AFTER:
            raise _in_flight()
    if not KeptAnswer.objects.filter(pk=kept.pk, claim=kept.claim).update(**mine):
        raise _in_flight()
    for name, value in mine.items():
        setattr(kept, name, value)
    return kept


def _new(user: User, key: str, mine: Mapping[str, Any]) -> KeptAnswer | None:
    """A row for a key that has none, if the person may have one more."""
    told = (mine["request"], mine["claim"], stored(mine["claimed_at"]), b"")
    with transaction.atomic():
        ids = fetched(CLAIM, [user.pk, key, *told, user.pk, MOST_KEYS])
    return KeptAnswer(pk=ids[0][0], user_id=user.pk, key=key, **mine) if ids else None


def _no_room(user: User, *, now: dt.datetime) -> Refusal:
    theirs = KeptAnswer.objects.filter(user_id=user.pk).aggregate(keys=Count("pk"), oldest=Min("claimed_at"))
    if theirs["keys"] < MOST_KEYS:
        return _in_flight()  # it was, a moment ago
    wait = theirs["oldest"] + KEPT_FOR - now
    detail = f"{MOST_KEYS:,} of your {HEADER}s are remembered, each for 24 hours. Without one this can be done now."
    return TooManyKeys(detail, retry_after_seconds=math.ceil(wait.total_seconds()))


def _done(kept: KeptAnswer, do: Callable[[], HttpResponse]) -> HttpResponse:
    """Do it and keep the answer, both or neither. A refusal is not kept, but what it left a trace of stays."""
    with transaction.atomic():
        try:
            answer = do()
        except Refusal as refusal:
            refused = refusal
        else:
            told = {"status": answer.status_code, "headers": dict(answer.headers), "body": answer.content}
            if not _claim_of(kept).update(**told):
                raise _in_flight()  # we were taken for dead
            return answer
    raise refused


def _claim_of(kept: KeptAnswer) -> Any:
    """The row, as long as the claim is this one and nothing was answered."""
    return KeptAnswer.objects.filter(pk=kept.pk, claim=kept.claim, status=None)


def _replayed(kept: KeptAnswer) -> HttpResponse:
    answer = HttpResponse(bytes(kept.body), status=kept.status, headers=kept.headers)
    answer[REPLAYED] = "true"
    return answer


def _in_flight() -> InFlight:
    return InFlight(f"A request with this {HEADER} is being answered at this moment. Ask again for its answer.")


def _digests(request: HttpRequest) -> list[str]:
    """What a request is known again by, under the secret and under those before it. A body may hold a password: of that
    a digest without a key would let whoever reads the table try millions a second.
    """
    said = f"{request.get_full_path()}\n".encode() + request.body
    secrets_in_order = (settings.SECRET_KEY, *settings.SECRET_KEY_FALLBACKS)
    keys = (hmac.digest(secret.encode(), PURPOSE, "sha256") for secret in secrets_in_order)
    return [hmac.digest(key, said, "sha256").hex() for key in keys]


def _name_of(request: HttpRequest) -> str | None:
    return None if request.resolver_match is None else request.resolver_match.url_name
