"""A mail server on this machine, and what it was given."""

from __future__ import annotations

import re
import socket
from collections.abc import Iterator
from contextlib import contextmanager
from email import message_from_bytes, policy
from email.message import EmailMessage
from typing import Any

from aiosmtpd.controller import Controller
from aiosmtpd.smtp import SMTP, Envelope, Session
from django_tasks import TaskResultStatus

from matinee.accounts.letter_tasks import send_letter
from matinee.core.jobs.models import Job


class Mailbox:
    """Its server takes every mail, or refuses all while `is_full`, or every address while it `knows_nobody`."""

    def __init__(self) -> None:
        self.port = _free_port()
        self.is_full = False
        self.knows_nobody = False
        self._mails: list[EmailMessage] = []

    async def handle_RCPT(  # noqa: N802 - aiosmtpd's
        self, _server: SMTP, _session: Session, envelope: Envelope, address: str, _options: list[str]
    ) -> str:
        if self.knows_nobody:
            return f"550 <{address}>: no such user"
        envelope.rcpt_tos.append(address)
        return "250 OK"

    async def handle_DATA(self, _server: SMTP, _session: Session, envelope: Envelope) -> str:  # noqa: N802 - aiosmtpd's
        if self.is_full:
            return f"452 Insufficient system storage for {envelope.rcpt_tos[0]}"
        assert isinstance(envelope.content, bytes)
        self._mails.append(message_from_bytes(envelope.content.replace(b"\r\n", b"\n"), policy=policy.default))
        return "250 OK"

    def collect(self) -> list[EmailMessage]:
        """Send every letter that is waiting; what came in since it was collected last."""
        waiting: Any = Job.objects.filter(task_path=send_letter.module_path, status=TaskResultStatus.READY)
        for job in waiting.order_by("enqueued_at"):
            job.task.call(*job.args_kwargs["args"], **job.args_kwargs["kwargs"])
            job.delete()
        mails, self._mails = self._mails, []
        return mails

    def token(self) -> str:
        """That of the only mail."""
        [mail] = self.collect()
        return token_in(mail)


def token_in(mail: EmailMessage) -> str:
    [token] = re.findall(r"^    (\S{43})$", mail.get_content(), re.M)
    return str(token)


@contextmanager
def mail_server() -> Iterator[Mailbox]:
    mailbox = Mailbox()
    controller = Controller(mailbox, hostname="127.0.0.1", port=mailbox.port)
    controller.start()
    try:
        yield mailbox
    finally:
        controller.stop()


def _free_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as server:
        port: int = server.getsockname()[1]
        return port
