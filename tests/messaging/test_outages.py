"""The database restarts under a worker, and the next try finds it again."""

import ssl
from types import SimpleNamespace

import amqp
import psycopg2
import pytest
from billiard.exceptions import SoftTimeLimitExceeded
from celery import current_app
from celery.app.trace import build_tracer
from celery.exceptions import Reject
from django.db import (
    DatabaseError,
    InternalError,
    OperationalError,
    connection,
    connections,
)
from django.db.backends.signals import connection_created
from kombu.transport.pyamqp import SSLTransport

from orders_project.database import sql
from orders_project.messaging import outbox, relay, rpc, tasks
from orders_project.messaging.broker import BlockedError
from orders_project.messaging.errors import Outage, RetryLater, UnansweredError
from orders_project.messaging.events import PaymentAsked, new_id
from orders_project.messaging.guarding import guarded
from orders_project.messaging.models import DeadLetter, Work
from orders_project.messaging.outages import PATIENCE, is_certain_outage, may_pass
from orders_project.messaging.settling import note_work
from orders_project.messaging.steps import step
from orders_project.messaging.topology import PAYMENT_RPC_QUEUE
from orders_project.messaging.wire import Wire
from orders_project.messaging.worker.consumer import EventConsumer
from tests.awaiting import eventually

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture
def restart():
    """Cut this process's database connection off, as a restarted server does."""
    settings = connection.settings_dict

    def cut():
        [(pid,)] = sql.fetch("SELECT pg_backend_pid()")
        other = psycopg2.connect(
            dbname=settings["NAME"],
            user=settings["USER"],
            password=settings["PASSWORD"],
            host=settings["HOST"],
            port=settings["PORT"],
        )
        with other.cursor() as cursor:
            cursor.execute("SELECT pg_terminate_backend(%s, 5000)", [pid])
        other.close()

    return cut


def read(ids):
    sql.fetch("SELECT 1")
    return ids


read_a_row = step(read)


def test_a_step_names_the_outage_and_works_at_the_next_try(restart):
    assert read_a_row(["one"]) == ["one"]
    restart()

    with pytest.raises(Outage, match="OperationalError"):
        read_a_row(["one"])
    assert read_a_row(["one"]) == ["one"]


def test_a_batch_of_events_names_the_outage_and_works_at_the_next_try(restart):
    handle = guarded(read)
    assert handle(["one"]) == ["one"]
    restart()

    with pytest.raises(Outage, match="OperationalError"):
        handle(["one"])
    assert handle(["one"]) == ["one"]


def test_a_relay_at_rest_takes_a_lost_database_for_an_outage(restart, monkeypatch):
    connection.ensure_connection()
    relay._listen(connection=connection)
    monkeypatch.setattr(relay.select, "select", lambda *_args: None)
    idle = SimpleNamespace(
        connection=SimpleNamespace(sock=None), keep_alive=lambda: None
    )
    restart()

    with pytest.raises(OperationalError):
        eventually(lambda: relay._rest(idle))
    connection.close()


def test_who_publishes_now_and_then_fails_at_an_alarm_and_does_not_wait():
    on_blocked = current_app.connection_for_write().transport_options["on_blocked"]

    with pytest.raises(BlockedError, match="rabbitmq-diagnostics alarms") as alarm:
        on_blocked("connection blocked, see broker logs")
    assert is_certain_outage(alarm.value)


@pytest.mark.parametrize(
    "error", [OSError("Server unexpectedly closed connection"), ssl.SSLEOFError()]
)
def test_a_question_to_a_broker_that_hangs_up_has_no_answer(monkeypatch, error):
    def hung_up(*_question):
        raise error

    monkeypatch.setattr(rpc, "_ask", hung_up)
    with pytest.raises(UnansweredError, match=r"manage\.py queues"):
        rpc.ask(PAYMENT_RPC_QUEUE, PaymentAsked(order_id=new_id()), timeout=1)


def test_a_worker_does_not_wait_for_confirms_of_what_it_tells_flower(monkeypatch):
    monkeypatch.setattr(EventConsumer, "ensure_connected", lambda _self, it: it)
    consumer = EventConsumer.__new__(EventConsumer)
    consumer.app = current_app._get_current_object()

    options = consumer.connection_for_write().transport_options
    assert options["confirm_publish"] is False
    assert options["on_blocked"] is None
    assert options["read_timeout"]


def test_two_tries_and_farewells_end_before_the_soft_time_limit(settings):
    """Measured at a broker that blocks in silence: 16.5 s; of 5 s each, 20.5."""
    waits = settings.CELERY_BROKER_TRANSPORT_OPTIONS
    tries = settings.CELERY_TASK_PUBLISH_RETRY_POLICY["max_retries"] + 1
    longest = 2 * tries * max(waits["read_timeout"], waits["write_timeout"])
    assert longest + 2 < settings.CELERY_TASK_SOFT_TIME_LIMIT


def test_everybody_speaks_tls_to_a_broker_that_is_named_so():
    app, far = current_app._get_current_object(), "amqps://broker.example/"
    for made in (app.connection_for_write, app.connection_for_read, app.connection):
        assert isinstance(made(far).transport, SSLTransport)


def test_a_beat_task_fails_once_and_works_at_the_next_try(restart):
    prune = current_app.tasks["messaging.prune"]
    trace = build_tracer(prune.name, prune, app=current_app)
    sql.fetch("SELECT 1")
    restart()

    first, second = (trace(one, (), {}, {"delivery_info": {}}) for one in "12")
    assert isinstance(first.info.retval, OperationalError)
    assert second.info is None, second.info.retval


@pytest.mark.parametrize(
    "said", [amqp.NotFound("no exchange"), amqp.exceptions.MessageNacked()]
)
def test_what_the_broker_does_not_take_is_kept_and_said_again(said):
    def park(_wires):
        raise said

    with pytest.raises(Outage):
        guarded(park)([])


def test_a_time_limit_that_strikes_while_parking_brings_the_batch_back():
    def park(_wires):
        raise SoftTimeLimitExceeded

    with pytest.raises(Reject) as rejected:
        guarded(park)([])
    assert rejected.value.requeue


@pytest.mark.parametrize(
    "error",
    [
        OperationalError("canceling statement due to lock timeout"),
        InternalError("tuple concurrently updated"),
    ],
    ids=lambda error: type(error).__name__,
)
def test_a_letter_that_the_server_does_not_take_is_kept_and_recorded_later(
    monkeypatch, error
):
    def record(_wire):
        raise error

    monkeypatch.setattr(tasks.recording, "record", record)
    with pytest.raises(Outage, match=str(error)):
        tasks.record_dead_letter([letter()])


def test_who_records_letters_leaves_a_server_that_only_reads_for_one_that_writes():
    sql.run("SET SESSION CHARACTERISTICS AS TRANSACTION READ ONLY")

    with pytest.raises(Outage, match="read-only transaction"):
        tasks.record_dead_letter([letter()])
    tasks.record_dead_letter([letter()])
    assert DeadLetter.objects.count() == 1


def letter():
    return Wire("dead.desk.queue", b"", {}, 5, False)


@pytest.mark.parametrize(
    "state", ["25006", "25P03", "53100", "53300", "55P03", "57P01"]
)
def test_a_server_that_cannot_write_for_anybody_is_an_outage(state):
    with pytest.raises(DatabaseError) as raised:
        sql.run(f"DO $$ BEGIN RAISE 'no' USING ERRCODE = '{state}'; END $$")
    assert is_certain_outage(raised.value)


@pytest.mark.parametrize("state", ["40P01", "57014", "23505", "25P02", "54001"])
def test_an_error_of_one_statement_is_none(state):
    with pytest.raises(DatabaseError) as raised:
        sql.run(f"DO $$ BEGIN RAISE 'no' USING ERRCODE = '{state}'; END $$")
    assert not is_certain_outage(raised.value)


def test_a_lock_that_is_held_for_long_is_an_outage():
    holder = connections.create_connection("default")
    with holder.cursor() as cursor:
        cursor.execute("BEGIN; LOCK TABLE messaging_work")
        sql.run("SET lock_timeout = 1")
        with pytest.raises(DatabaseError) as raised:
            note_work("a queue", "handled", 1)
    holder.close()

    assert is_certain_outage(raised.value)


def test_a_slow_server_may_become_quicker_but_is_not_waited_for_without_end():
    with pytest.raises(DatabaseError) as raised:
        sql.run("SET statement_timeout = 1; SELECT pg_sleep(1)")

    assert may_pass(raised.value, held=0)
    assert may_pass(raised.value, held=PATIENCE - 1)
    assert not may_pass(raised.value, held=PATIENCE)
    assert not may_pass(RetryLater("not yet"), held=0)


def test_a_worker_leaves_a_server_that_only_reads_for_one_that_writes():
    handle = guarded(lambda ids: note_work("a queue", "handled", len(ids)))
    sql.run("SET SESSION CHARACTERISTICS AS TRANSACTION READ ONLY")

    with pytest.raises(Outage, match="read-only transaction"):
        handle(["one"])
    handle(["one"])
    assert Work.objects.count() == 1


def test_the_relay_listens_on_each_connection_that_it_is_given():
    connection_created.connect(relay._listen)
    try:
        connection.close()
        listened = sql.fetch("SELECT pg_listening_channels()")
    finally:
        connection_created.disconnect(relay._listen)
        connection.close()
    assert listened == [(outbox.CHANNEL,)]
