"""W3C trace context: the request's traceparent if it has a sound one, else a new one.

https://www.w3.org/TR/trace-context/#traceparent-header
"""

import re
import secrets

SOUND = re.compile(r"00-(?!0{32})[0-9a-f]{32}-(?!0{16})[0-9a-f]{16}-[0-9a-f]{2}")


def traceparent(given: str = "") -> str:
    """Return `given` if it is well-formed, else a trace of our own."""
    if SOUND.fullmatch(given):
        return given
    return f"00-{secrets.token_hex(16)}-{secrets.token_hex(8)}-01"
