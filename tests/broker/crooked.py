"""A Celery application with handlers that misbehave on demand, run by real workers.

What an event shall do stands in its amount. Not to be imported by tests: it would
register these handlers in their process too.
"""
# ruff: noqa: E402 - Django must be set up before its models are imported

import os
import signal
import time
from contextlib import closing

import django

django.setup()

from django.db import connection

from orders_project.celery import app
from orders_project.messaging.errors import Poison, RetryLater
from orders_project.messaging.events import OrderPaid, PaymentAsked
from orders_project.messaging.hearing import hears
from orders_project.messaging.models import Attempt, Work
from orders_project.messaging.rpc import answers
from orders_project.messaging.topology import PAYMENT_RPC_QUEUE
from payments import refunds
from tests.broker.behaviours import (
    CUT_OFF,
    CUTS,
    DEADLY,
    FINE,
    KILLER,
    POISONED,
    QUEUE,
    STUCK,
    TOO_EARLY,
    UNSENT,
)

__all__ = ("app",)


def fine(_event):
    pass


def poisoned(_event):
    raise Poison("It says no such thing.")


def too_early(_event):
    # Too early for as long as it has never been retried.
    if not Work.objects.filter(outcome="retried").exists():
        raise RetryLater("Not yet.")


def deadly(_event):
    os.kill(os.getpid(), signal.SIGKILL)


def stuck(_event):
    # At the first time, as in a call of some library that hears no signal.
    if not Attempt.objects.exists():
        signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGUSR1})
        time.sleep(600)


BEGUN = "INSERT INTO messaging_work (queue, outcome, events) VALUES ('', 'begun', 1)"


def cut_off(_event):
    # Past its transaction, which ends with the process: how often this has begun.
    with closing(connection.copy()) as own, own.cursor() as cursor:
        cursor.execute(BEGUN)
    if Work.objects.filter(outcome="begun").count() <= CUTS:
        time.sleep(600)


refund = refunds.refund


def refund_or_die(ids):
    if KILLER in ids:
        os.kill(os.getpid(), signal.SIGKILL)
    refund(ids)


refunds.refund = refund_or_die

send_task = app.send_task


def send_or_fail(name, args, *more, **options):
    for one in args[0]:
        if errors := UNSENT.get(one):
            raise errors.pop()
    return send_task(name, args, *more, **options)


app.send_task = send_or_fail

DOES = {
    FINE: fine,
    POISONED: poisoned,
    TOO_EARLY: too_early,
    DEADLY: deadly,
    STUCK: stuck,
    CUT_OFF: cut_off,
}


@hears(OrderPaid, on=QUEUE)
def behave(events):
    for event in events:
        DOES[event.total_cents](event)


# Else a test of the hard one would take half a minute.
behave.soft_time_limit, behave.time_limit = 8, 10


@answers(PaymentAsked, on=PAYMENT_RPC_QUEUE)
def answer(question):
    if question.order_id == KILLER:
        raise TimeoutError("the gateway did not answer")
    return {"order_id": question.order_id, "gateway": "says yes"}
