"""What an error says, without the row that PostgreSQL shows with it.

A row may hold a customer's address, and errors are read in logs, on the desk, and in
RabbitMQ's own pages. DETAIL shows a row, CONTEXT and LINE parts of the statement:
https://www.postgresql.org/docs/15/protocol-error-fields.html
"""

import logging
import re
import traceback
from typing import Any

#: To the end of the text, and also as repr() writes it.
SHOWN_WITH_IT = re.compile(r"(\n|\\n)(DETAIL|CONTEXT|LINE \d+):.*", re.DOTALL)


def bare(text: str) -> str:
    """Return what an error says of itself."""
    return SHOWN_WITH_IT.sub("", text)


def words(error: BaseException) -> str:
    return bare(f"{type(error).__name__}: {error}")


def trace(error: BaseException) -> str:
    """Return the traceback; each error in its chain tells only of itself."""
    return _trace(type(error), error, error.__traceback__)


def _trace(*exc_info: Any) -> str:
    parts = traceback.format_exception(*exc_info)
    return "".join(SHOWN_WITH_IT.sub("\n", part) for part in parts)


class Formatter(logging.Formatter):
    """Logs errors without rows, whoever logs them: Celery and Django do as well."""

    def formatMessage(self, record: logging.LogRecord) -> str:  # noqa: N802 - logging's
        return bare(super().formatMessage(record))

    def formatException(self, ei: Any) -> str:  # noqa: N802 - logging's
        return _trace(*ei).rstrip("\n")
