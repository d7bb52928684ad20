"""A missing or wrong setting refuses to start, in one line that says how to set it."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent.parent
FINE = {
    "PATH": os.environ["PATH"],
    "SECRET_KEY": "k" * 32,
    "DATABASE_URL": "postgres://user:password@db.example:5432/waybill",
    "AMQP_URL": "amqp://user:password@mq.example:5672//",
}


def start(*words, **changes):
    """Start a program with these settings and no others."""
    return subprocess.run(
        [sys.executable, *words],
        cwd=ROOT,
        env={name: value for name, value in (FINE | changes).items() if value},
        capture_output=True,
        text=True,
        check=False,
    )


def refusal(**changes):
    done = start("manage.py", "check", **changes)
    assert done.returncode == 1
    (line,) = done.stderr.splitlines()
    return line


def test_the_settings_that_these_tests_break_are_fine():
    done = start("manage.py", "check")
    assert done.returncode == 0, done.stderr


@pytest.mark.parametrize(
    ("name", "value", "reason"),
    [
        ("SECRET_KEY", "", "is not set and must have 32 characters or more"),
        ("SECRET_KEY", "too-short", "has 9 and must have 32 characters or more"),
        ("DATABASE_URL", "", "is not set"),
        ("DATABASE_URL", "mysql://user@host/waybill", "is wrong"),
        ("DATABASE_URL", "postgres://user@host:port/waybill", "is wrong"),
        ("DATABASE_URL", "postgres://user@host:5432/", "names no database"),
        ("AMQP_URL", "", "is not set"),
        ("AMQP_URL", "http://host:15672", "is wrong"),
        ("AMQP_URL", "amqp://", "is wrong"),
        ("MANAGEMENT_URL", "host:15672", "is wrong"),
        ("CARRIER_DELIVERY_SECONDS", "soon", "is 'soon'"),
        ("CARRIER_DELIVERY_SECONDS", "-1", "is '-1'"),
        ("CARRIER_DELIVERY_SECONDS", "nan", "is 'nan'"),
        ("CONFIRMATION_DELAY_SECONDS", "1.5", "is '1.5' and must be a whole number"),
        ("PAYMENT_MAX_ATTEMPTS", "-1", "is '-1' and must be a whole number"),
        ("PAYMENT_MAX_ATTEMPTS", "6", "is '6' and must be a whole number from 1 to 5"),
        ("RETENTION_DAYS", "0", "is '0' and must be a whole number from 1"),
        ("PREFETCH", "0", "is '0' and must be a whole number from 1 to 1000"),
        ("EMAIL_PORT", "99999999", "is '99999999' and must be a whole number from 1"),
        ("DEBUG", "maybe", "is 'maybe' and must be one of true, "),
        ("QUEUE_TYPE", "stream", "is 'stream' and must be one of classic, quorum"),
        ("LOG_LEVEL", "LOUD", "is 'LOUD' and must be one of DEBUG, "),
        ("CURRENCY", "JPY", "is 'JPY' and has no hundredths"),
        ("CURRENCY", "usd", "is 'usd' and must be three capital letters"),
        ("CARRIER", "shipping.carriers.nobody.Carrier", "names no class"),
        ("PAYMENT_GATEWAY", "simulated", "names no class"),
        ("PAYMENT_GATEWAY", "payments.gateways.gateway", "names no class, but <func"),
        ("SMS_SENDER", "shipping.carriers.port.Carrier", "names a class without send"),
    ],
)
def test_what_is_missing_or_wrong_is_named_with_an_example(name, value, reason):
    line = refusal(**{name: value})
    assert line.startswith(f"Not started: {name} {reason}")
    assert f"For example: {name}=" in line


def test_a_mail_server_is_called_in_one_of_two_ways():
    line = refusal(EMAIL_USE_TLS="true", EMAIL_USE_SSL="true")

    assert line.startswith("Not started: EMAIL_USE_SSL is on, and so is EMAIL_USE_TLS")
    assert line.endswith("For example: EMAIL_USE_SSL=false")


def test_a_wrong_url_is_not_printed_because_it_may_hold_a_password():
    assert "hunter2" not in refusal(AMQP_URL="http://user:hunter2@host")


def test_the_web_process_listens_where_it_is_told_and_nowhere_else():
    done = start("-m", "gunicorn", "--print-config")
    assert "control_socket_disable             = True" in done.stdout, done.stderr


def test_an_empty_variable_is_one_that_is_not_set():
    """As an empty line of an .env file makes it."""
    telling = (
        "from orders_project import settings as s;"
        "print(s.RETENTION_DAYS, s.ALLOWED_HOSTS, s.QUEUE_TYPE, s.ORDER_EXPIRY_SECONDS)"
    )
    names = ("RETENTION_DAYS", "ALLOWED_HOSTS", "QUEUE_TYPE", "ORDER_EXPIRY_SECONDS")
    done = subprocess.run(
        [sys.executable, "-c", telling],
        cwd=ROOT,
        env=FINE | dict.fromkeys(names, ""),
        capture_output=True,
        text=True,
        check=False,
    )
    default = "90 ['127.0.0.1', 'localhost'] classic 86400.0"
    assert done.stdout.strip() == default, done.stderr


def test_a_developer_needs_no_key_of_their_own():
    done = start("manage.py", "check", SECRET_KEY="", DEBUG="true")
    assert done.returncode == 0, done.stderr


@pytest.mark.parametrize(
    "program",
    [
        ("-m", "celery", "-A", "orders_project", "worker"),
        ("-m", "celery", "-A", "orders_project", "beat"),
        ("-m", "gunicorn", "--check-config"),
    ],
    ids=["worker", "beat", "web"],
)
@pytest.mark.parametrize("name", ["SECRET_KEY", "CARRIER"])
def test_every_process_ends_with_the_same_words(program, name):
    wrong = {"SECRET_KEY": "", "CARRIER": "nobody.Carrier"}
    done = start(*program, **{name: wrong[name]})
    assert done.returncode != 0
    assert f"For example: {name}=" in done.stderr.splitlines()[-1]
