"""Running a talkative program in silence, unless it fails."""

import tempfile
from collections.abc import Mapping, Sequence

from deploy.local import signals
from deploy.local.errors import PlainError


def run(
    command: Sequence[object],
    *,
    doing: str,
    patience: float = 10,
    environment: Mapping[str, str] | None = None,
) -> None:
    """Keep what it says for the case that it ends badly."""
    with tempfile.TemporaryFile("w+") as output:
        code = signals.run(
            command, output=output, patience=patience, environment=environment
        )
        if code:
            output.seek(0)
            raise PlainError(f"{doing} failed:\n{output.read()[-4000:]}")
