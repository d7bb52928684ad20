"""Django's sessions, with one more rule of what the name of one may be."""

from django.contrib.sessions.backends import db


class SessionStore(db.SessionStore):
    """To it a cookie with a NUL is no session: PostgreSQL would refuse the question,
    which anybody may ask, and the answer would be a 500.
    """

    def __init__(self, session_key: str | None = None) -> None:
        super().__init__(None if "\0" in (session_key or "") else session_key)
