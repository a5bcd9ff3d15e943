"""How a log line looks: for people, or JSON for programs. What somebody sent can neither end a line nor steer a
terminal: control characters are written as escapes."""

from __future__ import annotations

import datetime as dt
import json
import logging
import re

CONTROLS = re.compile(r"[\x00-\x1f\x7f-\x9f\u2028\u2029]")
LINE = "%(asctime)s %(levelname)s %(name)s [%(request_id)s] %(message)s"


class Lines(logging.Formatter):
    """One line a record; a traceback stands below it, indented, so that no line of it passes for a record."""

    def __init__(self) -> None:
        super().__init__(LINE)

    def formatMessage(self, record: logging.LogRecord) -> str:  # noqa: N802 - logging's name
        return escaped(super().formatMessage(record))

    def formatException(self, ei: logging._SysExcInfoType) -> str:  # noqa: N802 - logging's names
        return _indented(super().formatException(ei))

    def formatStack(self, stack_info: str) -> str:  # noqa: N802 - logging's name
        return _indented(stack_info)


class JsonLines(logging.Formatter):
    """One JSON object a record, all on one line."""

    def format(self, record: logging.LogRecord) -> str:
        told = {
            "time": dt.datetime.fromtimestamp(record.created, dt.UTC).isoformat(timespec="milliseconds"),
            "level": record.levelname,
            "logger": record.name,
            "request_id": record.__dict__.get("request_id", "-"),
            "message": record.getMessage(),
            "process": record.process,
        }
        if trace_id := record.__dict__.get("trace_id"):
            told["trace_id"] = trace_id
        if record.exc_info:
            told["traceback"] = self.formatException(record.exc_info)
        return json.dumps(told)


def escaped(text: str) -> str:
    """`text` with its control characters and line ends as \\x1b and the like."""
    return CONTROLS.sub(lambda found: found[0].encode("unicode_escape").decode(), text)


def _indented(text: str) -> str:
    return "\n".join(f"    {escaped(line)}" for line in text.split("\n"))
