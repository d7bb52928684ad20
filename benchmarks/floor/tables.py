"""Rows written set by set."""

import io
import os

import psycopg2


def connect():
    return psycopg2.connect(os.environ["DATABASE_URL"])


def copy(cursor, table, columns, rows):
    """COPY rows of texts and numbers."""
    text = "".join("\t".join(map(_escaped, row)) + "\n" for row in rows)
    cursor.copy_expert(f"COPY {table} ({columns}) FROM STDIN", io.StringIO(text))


def _escaped(value):
    return str(value).replace("\\", "\\\\")


def array(ids):
    """Write an array literal: of a list psycopg2 makes an expression for each id."""
    return "{" + ",".join(ids) + "}"
