"""The one exception a person is meant to read: it is printed without a traceback."""


class Failure(Exception):
    """Something that cannot go on, said so that the reader knows what to do next."""
