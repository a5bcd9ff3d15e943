"""The network that the request of this thread came from, for what is kept of it."""

from __future__ import annotations

from contextvars import ContextVar

from matinee.core.networks import KEPT, network_of

address: ContextVar[str] = ContextVar("client_address", default="")


def network() -> str:
    """ "" where there is none."""
    return network_of(address.get(), KEPT)
