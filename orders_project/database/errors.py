"""What an error of PostgreSQL says, without the row that it shows.

A row may hold a customer's address, and errors are read in logs, on the desk, in
Flower and in RabbitMQ's own pages. DETAIL shows a row, CONTEXT and LINE parts of the
statement: https://www.postgresql.org/docs/15/protocol-error-fields.html
"""

from psycopg2 import Error  # type: ignore[import-untyped]


def tell_no_row(error: Error) -> None:
    """Have an error say what was wrong, in the server's language, but not of whom."""
    if said := error.diag.message_primary:
        error.args = (said,)
