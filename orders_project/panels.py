"""What each app shows on an order's admin page, without the apps knowing one another.

An app's admin.py registers a function; the order's page shows what all of them return.
"""

from collections.abc import Callable

Rows = list[tuple[str, str]]
Panel = Callable[[str], Rows]

#: Title -> a function from an order's id to its (label, value) rows.
PANELS: dict[str, Panel] = {}


def panel(title: str) -> Callable[[Panel], Panel]:
    """Register a panel under its title."""

    def register(show: Panel) -> Panel:
        PANELS[title] = show
        return show

    return register
