"""Debian's and Ubuntu's packages, installed without a service being started."""

import os
import shutil
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from deploy.local import programs, quiet
from deploy.local.say import say

#: A package asks this script before it starts its service.
POLICY = Path("/usr/sbin/policy-rc.d")
#: The answer "you must not".
DENIED = 101
SAVED = POLICY.with_name("policy-rc.d.before-waybill")
DENIAL = """\
#!/bin/sh
# Waybill's setup is installing packages; it removes this file.
exit 101
"""


def can_install() -> bool:
    return os.geteuid() == 0 and shutil.which("apt-get") is not None


def install(packages: list[str], *, why: str) -> None:
    """Install them; the machine's own rule about services is back in place afterwards,
    whatever happens.
    """
    say(f"{why}: apt-get install {' '.join(packages)}, without starting a service")
    with _no_services():
        _apt("update")
        _apt("install", "--yes", "--no-install-recommends", *packages)
    programs.forget()


def _apt(*words: str) -> None:
    options = ["-qq", "-o", "Dpkg::Use-Pty=0", "-o", "DPkg::Lock::Timeout=120"]
    quiet.run_to_its_end(
        ["apt-get", *options, *words],
        doing=f"apt-get {words[0]}",
        environment={**os.environ, "DEBIAN_FRONTEND": "noninteractive"},
    )


@contextmanager
def _no_services() -> Iterator[None]:
    """Forbid services to start for a while."""
    _restore()  # an earlier run may have been killed
    if _denied():
        yield
        return
    try:
        _deny()
        yield
    finally:
        _restore()


def _denied() -> bool:
    """Containers often come with such a rule; then nothing has to be touched."""
    question = [POLICY, "any", "start"]
    return (
        POLICY.exists() and subprocess.run(question, check=False).returncode == DENIED
    )


def _deny() -> None:
    if POLICY.exists():
        POLICY.rename(SAVED)
    POLICY.write_text(DENIAL)
    POLICY.chmod(0o755)


def _restore() -> None:
    if POLICY.exists() and POLICY.read_text() == DENIAL:
        POLICY.unlink()
    if SAVED.exists():
        SAVED.rename(POLICY)
