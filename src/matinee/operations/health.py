"""/livez says that this process answers; /readyz names what is there and what is missing."""

from __future__ import annotations

from http import HTTPStatus

from django.http import HttpRequest, HttpResponse, JsonResponse
from django.utils import timezone
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_safe

from matinee.core.draining import is_draining
from matinee.operations.access import may_see_inside
from matinee.operations.checks import Check, quick_checks

RETRY_AFTER_SECONDS = 5


@never_cache
@require_safe
def livez(_request: HttpRequest) -> HttpResponse:
    return JsonResponse({"status": "alive"})


@never_cache
@require_safe
def readyz(request: HttpRequest) -> HttpResponse:
    """200 while all that is needed is there, else a 503 problem; both name each check. 503 also while it drains."""
    if is_draining():
        return _not_ready("It is about to stop: send it no more requests.", {})
    checks = quick_checks(now=timezone.now())
    told = {check.name: _told(check, in_detail=may_see_inside(request)) for check in checks}
    missing = [check.name for check in checks if check.needed and not check.ok]
    if not missing:
        return JsonResponse({"status": "ready", "checks": told})
    return _not_ready(f"The service can't do without: {', '.join(missing)}.", told)


def _not_ready(detail: str, checks: dict[str, dict[str, object]]) -> HttpResponse:
    problem = {
        "type": "urn:matinee:problem:not_ready",
        "title": "Service Unavailable",
        "status": HTTPStatus.SERVICE_UNAVAILABLE,
        "detail": detail,
        "code": "not_ready",
        "errors": [],
        "checks": checks,
    }
    answer = JsonResponse(problem, status=HTTPStatus.SERVICE_UNAVAILABLE, content_type="application/problem+json")
    answer["Retry-After"] = str(RETRY_AFTER_SECONDS)
    return answer


def _told(check: Check, *, in_detail: bool) -> dict[str, object]:
    told: dict[str, object] = {"ok": check.ok, "needed": check.needed}
    return told | {"detail": check.detail} if in_detail else told
