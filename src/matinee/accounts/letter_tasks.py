"""Work that the job worker does for letters."""

from __future__ import annotations

from django.utils import timezone
from django_tasks import task

from matinee.accounts import delivery


@task()
def send_letter(letter_id: int) -> bool:
    """Returns whether it was sent."""
    return delivery.deliver(letter_id=letter_id, now=timezone.now())


@task()
def forget_expired_letters() -> int:
    """Returns how many rows went."""
    return delivery.forget_expired(now=timezone.now())
