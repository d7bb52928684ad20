"""How large a test is: for every change, or `--hypothesis-profile=nightly`."""

from hypothesis import settings

NIGHTLY = settings.get_current_profile_name() == "nightly"


def size(usual, nightly):
    return nightly if NIGHTLY else usual
