"""What is an id, of all that requests and other people's books call one."""

import uuid


def is_uuid(text: str) -> bool:
    """Tell whether a text is a UUID, in any of its spellings."""
    try:
        uuid.UUID(text)
    except ValueError:
        return False
    return True
