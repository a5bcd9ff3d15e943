"""PostgreSQL as Django speaks to it, but for how a connection is looked at before a request uses it."""

from __future__ import annotations

import select
from typing import Any

from django.db.backends.postgresql import base


class DatabaseWrapper(base.DatabaseWrapper):
    _kept: Any = None

    def kept_cursor(self) -> Any:
        """One for all statements of a connection that are read to their end at once: to make one takes as long as to
        use it."""
        if self._kept is None or self._kept.connection is not self.connection:
            self._kept = self.create_cursor()
        return self._kept

    def is_usable(self) -> bool:
        """Django sends a statement each time, which is a round trip for every request. But a server that ends a
        connection, as when it is restarted, sends a message or closes it: where nothing has arrived since, and nothing
        has failed, the connection is usable."""
        return self._is_quiet() or super().is_usable()

    def _is_quiet(self) -> bool:
        if self.connection is None or self.connection.closed or self.errors_occurred:
            return False
        poll = select.poll()
        poll.register(self.connection.fileno(), select.POLLIN)
        return not poll.poll(0)
