"""Names of machines, looked up within a time: the resolver itself can't be told how long it may take."""

from __future__ import annotations

import socket
import threading
from typing import Any


class NotLookedUp(Exception):
    """The name has no address, or none came in time; the message says which."""


def addresses_of(host: str, *, within: float) -> list[str]:
    """The addresses of `host` in the resolver's order, each once. Raises NotLookedUp after `within` seconds."""
    outcome: list[Any] = []

    def resolve() -> None:
        try:
            outcome.append(socket.getaddrinfo(host, None, 0, socket.SOCK_STREAM))
        except (OSError, UnicodeError) as error:
            outcome.append(error)

    thread = threading.Thread(target=resolve, name="look-up", daemon=True)
    thread.start()
    thread.join(max(within, 0))
    if not outcome:
        raise NotLookedUp(f"The name {host} could not be looked up in time.")
    if isinstance(outcome[0], Exception):
        raise NotLookedUp(f"The name {host} can't be looked up: {outcome[0]}.")
    return list(dict.fromkeys(str(address[0]) for *_, address in outcome[0]))
