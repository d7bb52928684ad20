"""Django's sessions, with one more rule of what the name of one may be."""

from django.contrib.sessions.backends import db


class SessionStore(db.SessionStore):
    """To it a cookie with a NUL is no session: PostgreSQL would refuse the question,
    which anybody may ask, and the answer would be a 500.
    """

    def _validate_session_key(self, key: str) -> bool:
        return super()._validate_session_key(key) and "\0" not in key
