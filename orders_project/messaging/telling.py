"""What an error of PostgreSQL says, without the row that it shows.

A row may hold a customer's address, and errors are read in logs, on the desk, in
Flower and in RabbitMQ's own pages. DETAIL shows a row, CONTEXT and LINE parts of the
statement: https://www.postgresql.org/docs/15/protocol-error-fields.html
"""

import re

SHOWN_WITH_IT = re.compile(r"\n(DETAIL|CONTEXT|LINE \d+):.*", re.DOTALL)


def tell_no_row(error: Exception) -> None:
    """Have an error of psycopg2 say what was wrong, and not with whose data."""
    error.args = tuple(SHOWN_WITH_IT.sub("", str(told)) for told in error.args)
