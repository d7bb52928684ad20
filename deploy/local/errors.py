"""The one exception that is meant for a person."""


class PlainError(Exception):
    """Printed without a traceback: it says what to do next."""
