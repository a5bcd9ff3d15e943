"""A request and the way back of its answer, as the web server hands them over: no thread waits between the two."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any, Protocol


class Exchange(Protocol):
    """Of HTTP. To be answered once, by any thread."""

    @property
    def environ(self) -> dict[str, Any]:
        """The request, as PEP 3333 has it. Its body can be read before whoever was handed the exchange returns."""

    def end_connection(self) -> None:
        """Have the answer say that it is the last one here: of a body that is not read to its end nobody knows where
        the next request would begin."""

    def start_response(self, status: str, headers: list[tuple[str, str]]) -> None: ...

    def send(self, answer: Iterable[bytes]) -> None:
        """Return when a list is on its way, and when anything else has been sent and closed, however slowly it is
        read."""
