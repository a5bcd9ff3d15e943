"""PostgreSQL as Django speaks to it, but for how a connection is looked at before a request uses it."""

from __future__ import annotations

import select

from django.db.backends.postgresql import base


class DatabaseWrapper(base.DatabaseWrapper):
    def is_usable(self) -> bool:
        """Django asks a statement each time, a round trip for every request. A server that ends a connection, as when
        it is restarted, says so or closes it: where nothing has come, and nothing has failed, all is well."""
        return self._is_quiet() or super().is_usable()

    def _is_quiet(self) -> bool:
        if self.connection is None or self.connection.closed or self.errors_occurred:
            return False
        poll = select.poll()
        poll.register(self.connection.fileno(), select.POLLIN)
        return not poll.poll(0)
