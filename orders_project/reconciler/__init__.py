"""Do all apps and the gateway tell the same story? Finds who differs, and mends it.

Like promises.py it sees every table, as an auditor does; what it mends, the app that
owns it mends. checks.py is the table of what may differ and what helps.
"""

from orders_project.reconciler.running import Report, reconcile

__all__ = ("Report", "reconcile")
