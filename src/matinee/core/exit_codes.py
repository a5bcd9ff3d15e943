"""How a command ends where it did not do what it was asked: by sysexits.h, which `os` names (EX_DATAERR and others).

What stands here is what that has no name for.
"""

from __future__ import annotations

import signal

STOPPED = 128 + signal.SIGINT
"""By Ctrl-C, as a shell tells it."""
