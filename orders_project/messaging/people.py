"""What people type into commands, and who they are."""

import getpass
import uuid
from argparse import ArgumentTypeError


def order_id(text: str) -> str:
    """Take an order's id from a command line."""
    try:
        return str(uuid.UUID(text))
    except ValueError:
        raise ArgumentTypeError(
            f"{text!r} is no order's id. One looks like this: "
            "01932c07-7c4e-7a33-8f0e-5b1f6a1c9d11"
        ) from None


def is_uuid(text: str) -> bool:
    """Tell whether a text is a UUID, in any of its spellings."""
    try:
        uuid.UUID(text)
    except ValueError:
        return False
    return True


def user() -> str:
    """Name who types, for what is recorded of it."""
    try:
        return f"{getpass.getuser()} (shell)"
    except (OSError, KeyError):  # a container's user may have no name
        return "shell"
