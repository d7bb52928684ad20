"""One system: its folder, ports and passwords, and its processes' environment."""

import hashlib
import json
import os
import secrets
import tempfile
from dataclasses import asdict, dataclass, field
from pathlib import Path
from urllib.parse import urlsplit

from deploy.local import ports
from deploy.local.places import ROOT, RUN, VENV

#: Only processes under our supervisor carry it: that is how leftovers of a killed
#: supervisor are recognised.
MARK = "WAYBILL_SYSTEM"
#: The kernel takes 107 characters, and the supervisor adds its pid while it starts.
LONGEST_SOCKET = 95
OUTSIDE = ("DATABASE_URL", "AMQP_URL")
SECRETS = ("django", "postgres", "rabbitmq", "erlang", "admin", "flower")
#: For a system of which one waits for the end.
SOON = {
    "DEBUG": "false",
    "CARRIER_DELIVERY_SECONDS": "0",
    "CONFIRMATION_DELAY_SECONDS": "0",
}
#: What differs between a system to look at and one that should be done soon.
SETTINGS = {
    "dev": {
        "DEBUG": "true",
        "CARRIER_DELIVERY_SECONDS": "20",
        "CONFIRMATION_DELAY_SECONDS": "5",
    },
    **dict.fromkeys(("demo", "test", "bench"), SOON),
    # What waits for minutes in a shop waits for seconds here.
    "faults": {
        "DEBUG": "false",
        "CARRIER_DELIVERY_SECONDS": "1",
        "CONFIRMATION_DELAY_SECONDS": "0",
        "SWEEP_IDLE_SECONDS": "20",
        "SWEEP_INTERVAL_SECONDS": "5",
    },
}


def forget_outside() -> None:
    """Use no servers that the caller named: what is measured or broken is our own."""
    for name in (*OUTSIDE, "MANAGEMENT_URL"):
        os.environ.pop(name, None)


def _usual_management(amqp: str) -> str:
    """The management API of a broker of which only the AMQP address was given."""
    broker = urlsplit(amqp)
    login, at, _ = broker.netloc.rpartition("@")
    return f"http://{login}{at}{broker.hostname}:15672"


@dataclass
class System:
    """What is remembered of a system in .run/NAME/system.json."""

    name: str
    ports: dict[str, int] = field(default_factory=dict)
    secrets: dict[str, str] = field(
        default_factory=lambda: {name: secrets.token_hex(16) for name in SECRETS}
    )
    outside: dict[str, str] = field(default_factory=dict)
    in_docker: bool = False
    seeded: bool = False
    has_admin: bool = False

    @classmethod
    def load(cls, name: str) -> "System":
        """The system as it was left, or a new one."""
        try:
            return cls(**json.loads((RUN / name / "system.json").read_text()))
        except (
            OSError,
            ValueError,
            TypeError,
        ):  # none yet, or a write cut short: passwords are made anew with the data
            return cls(name)

    def save(self) -> None:
        """Write it down so that a crash leaves the old or the new, never a half."""
        self.folder.mkdir(parents=True, exist_ok=True)
        draft = self.folder / "system.json.new"
        draft.touch(mode=0o600)
        draft.write_text(json.dumps(asdict(self), indent=2))
        draft.replace(self.folder / "system.json")

    @property
    def folder(self) -> Path:
        """Everything of this system, except what another user must reach and cannot."""
        return RUN / self.name

    @property
    def kind(self) -> str:
        """dev, demo, test, bench or faults, whatever process started it."""
        return self.name.split("-")[0]

    @property
    def short_lived(self) -> bool:
        """Made by one command and gone with it."""
        return "-" in self.name

    @property
    def digest(self) -> str:
        """A short name that two checkouts on one machine do not share."""
        return hashlib.sha256(str(self.folder).encode()).hexdigest()[:10]

    @property
    def socket(self) -> Path:
        """The supervisor's, elsewhere when the checkout lies too deep."""
        path = self.folder / "supervisor.sock"
        if len(str(path)) < LONGEST_SOCKET:
            return path
        return Path(tempfile.gettempdir()) / f"waybill-{os.getuid()}-{self.digest}.sock"

    @property
    def web(self) -> str:
        return f"http://127.0.0.1:{self.ports['web']}"

    @property
    def database_url(self) -> str:
        own = f"postgres://waybill:{self.secrets['postgres']}@127.0.0.1:{self.ports['postgres']}/waybill"
        return self.outside.get("DATABASE_URL", own)

    @property
    def amqp_url(self) -> str:
        own = f"amqp://waybill:{self.secrets['rabbitmq']}@127.0.0.1:{self.ports['amqp']}//"
        return self.outside.get("AMQP_URL", own)

    @property
    def management_url(self) -> str:
        own = f"http://waybill:{self.secrets['rabbitmq']}@127.0.0.1:{self.ports['management']}"
        return self.outside.get("MANAGEMENT_URL", own)

    def uses_own(self, name: str) -> bool:
        """Is the server behind this variable ours to start?"""
        return name not in self.outside

    def choose_ports(self) -> None:
        """Take the ports of last time where they are free."""
        self.ports = (
            ports.scattered() if self.short_lived else ports.remembered(self.ports)
        )

    def notice_outside(self) -> None:
        """Servers named in the caller's environment are used instead of our own."""
        self.outside = {
            name: os.environ[name] for name in OUTSIDE if os.environ.get(name)
        }
        if "AMQP_URL" in self.outside:
            self.outside["MANAGEMENT_URL"] = os.environ.get(
                "MANAGEMENT_URL"
            ) or _usual_management(self.amqp_url)

    def settings(self) -> dict[str, str]:
        """The contract with orders_project/settings.py."""
        return {
            "DJANGO_SETTINGS_MODULE": "orders_project.settings",
            "SECRET_KEY": self.secrets["django"],
            "ALLOWED_HOSTS": "127.0.0.1,localhost",
            "DATABASE_URL": self.database_url,
            "AMQP_URL": self.amqp_url,
            "MANAGEMENT_URL": self.management_url,
            "OUTGOING_DIR": str(self.folder / "outgoing"),
            "GUEST_CHECKOUT": "true",
            **self._choices(),
        }

    def _choices(self) -> dict[str, str]:
        """What the kind of system suggests, and the caller's environment overrules."""
        suggested = SETTINGS.get(self.kind, SETTINGS["dev"])
        return {name: os.environ.get(name, usual) for name, usual in suggested.items()}

    def environment(self) -> dict[str, str]:
        """The settings over the caller's environment, with the virtual environment's
        programs first.
        """
        path = f"{VENV / 'bin'}:{os.environ.get('PATH', os.defpath)}"
        return {
            **os.environ,
            **self.settings(),
            "PATH": path,
            "PYTHONPATH": str(ROOT),
            "PYTHONUNBUFFERED": "1",
        }
