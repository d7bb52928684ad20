"""A database on its way from one release to the next, and back."""

from django.db import connection
from django.db.migrations.executor import MigrationExecutor


def migrate(app, name):
    """Bring the tables of one app to a migration; the test's end undoes it."""
    MigrationExecutor(connection).migrate([(app, name)])
