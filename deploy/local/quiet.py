"""Running a talkative program in silence, unless it fails."""

import contextlib
import os
import signal
import subprocess
import tempfile
from collections.abc import Iterator, Mapping, Sequence
from functools import partial
from typing import IO

from deploy.local.errors import PlainError
from deploy.local.places import ROOT
from deploy.local.signals import Interrupted, end

#: dpkg cut short leaves a machine's packages half configured.
LONG = 180


def run(command: Sequence[object], *, doing: str) -> None:
    """An interrupt ends it together with everything it has started."""
    with _output_of(doing) as output:
        child = _begin(command, output)
        try:
            _check(child.wait())
        except Interrupted:
            end(child, partial(os.killpg, child.pid))
            with contextlib.suppress(ProcessLookupError):
                os.killpg(child.pid, signal.SIGKILL)
            raise


def run_to_its_end(
    command: Sequence[object], *, doing: str, environment: Mapping[str, str]
) -> None:
    """An interrupt tells the program alone: it finishes what must not be cut short."""
    with _output_of(doing) as output:
        child = _begin(command, output, environment)
        try:
            _check(child.wait())
        except Interrupted:
            end(child, child.send_signal, LONG)
            raise


class _FailedError(Exception):
    """The program ended with an error code."""


def _check(code: int) -> None:
    if code:
        raise _FailedError


@contextlib.contextmanager
def _output_of(doing: str) -> Iterator[IO[str]]:
    with tempfile.TemporaryFile("w+") as output:
        try:
            yield output
        except _FailedError:
            output.seek(0)
            said = output.read()[-4000:]
            raise PlainError(f"{doing} failed:\n{said}") from None


def _begin(
    command: Sequence[object],
    output: IO[str],
    environment: Mapping[str, str] | None = None,
) -> subprocess.Popen[bytes]:
    return subprocess.Popen(
        [str(word) for word in command],
        cwd=ROOT,
        env=environment,
        stdin=subprocess.DEVNULL,
        stdout=output,
        stderr=subprocess.STDOUT,
        start_new_session=True,  # the terminal's Ctrl-C is ours to pass on, or not
    )
