"""What the API itself keeps."""

from __future__ import annotations

from django.conf import settings
from django.db import models


class KeptAnswer(models.Model):
    """A person's request under an Idempotency-Key: first claimed by whoever does it, then answered, once."""

    user = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.CASCADE, related_name="+")
    key = models.CharField(max_length=255)
    request = models.CharField(max_length=64, help_text="HMAC of its path and body.")
    claim = models.CharField(max_length=32, help_text="Of the one attempt that may answer.")
    claimed_at = models.DateTimeField(db_index=True)
    status = models.PositiveSmallIntegerField(null=True, help_text="None until it is answered.")
    headers = models.JSONField(default=dict)
    body = models.BinaryField()

    class Meta:
        constraints = (models.UniqueConstraint(fields=["user", "key"], name="one_answer_per_person_and_key"),)

    def __str__(self) -> str:
        return f"answer {self.pk} to {self.user_id}"
