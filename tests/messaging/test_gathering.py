"""The messages in a worker's hands: which run together, and when."""

from socket import socketpair
from types import SimpleNamespace

import kombu.asynchronous
import pytest
from celery.bootsteps import RUN

from orders_project.messaging.worker import gathering
from orders_project.messaging.worker.batch import ACK, _settling
from orders_project.messaging.worker.gathering import Gathering
from orders_project.messaging.worker.pace import PACES, Pace


class Hub:
    """Celery's loop, without time: what is due at once, and what is for later."""

    def __init__(self):
        self.soon, self.later = [], []

    def call_later(self, seconds, what):
        if seconds:
            self.later.append(what)
        else:
            self.soon.append(what)

    def turn(self):
        while self.soon:
            self.soon.pop(0)()


def nothing_to_read(**_timeout):
    raise TimeoutError


def message(kind, order=1, **properties):
    return SimpleNamespace(
        body=f'[{{"type":"{kind}","subject":"{order}"}}]'.encode(),
        headers={},
        properties=properties,
        delivery_info={},
        ack_log_error=lambda *_: None,
    )


class Idle(Gathering):
    """A gathering whose worker is idle, and that notes what it would run."""

    def __init__(self, monkeypatch, lost=()):
        super().__init__(
            SimpleNamespace(
                hub=Hub(),
                connection=SimpleNamespace(drain_events=nothing_to_read),
                blueprint=SimpleNamespace(state=RUN),
                pool=SimpleNamespace(num_processes=1),
                initial_prefetch_count=16,
            ),
            lost,
        )
        self.now, self.ran = 1000.0, []
        monkeypatch.setattr(gathering, "monotonic", lambda: self.now)

    def submit(self, batch):
        self.batch = batch
        self.ran.append(len(batch))

    def hear(self, queue, kind, **properties):
        self.add(queue, message(kind, **properties))
        self.consumer.hub.turn()

    def wait(self, seconds):
        self.now += seconds
        for what in self.consumer.hub.later:
            what()
        self.consumer.hub.turn()

    def hear_after_a_batch(self, queue, kind, times, took=0.01):
        """Have so many come right after one that ran alone."""
        self.hear(queue, kind)
        self.rest(self.batch, took)
        for _ in range(times):
            self.hear(queue, kind)


def test_the_first_message_runs_as_soon_as_a_worker_is_free(monkeypatch):
    idle = Idle(monkeypatch)
    idle.hear("inventory.queue", "order.created")
    idle.hear("order.queue", "order.created")
    assert idle.ran == [1, 1]


def test_orders_that_come_close_together_travel_together(monkeypatch):
    idle = Idle(monkeypatch)
    idle.hear_after_a_batch("inventory.queue", "order.created", times=2)
    assert idle.ran == [1]

    idle.wait(PACES["inventory.queue"].rest(0.01, events=1))
    assert idle.ran == [1, 2]


def test_what_somebody_waits_for_does_not_rest_on_the_way(monkeypatch):
    idle = Idle(monkeypatch)
    idle.hear_after_a_batch("shipping.queue", "payment.success", times=2)
    assert idle.ran == [1, 1, 1]


def test_a_task_that_rests_holds_up_no_other_of_its_queue(monkeypatch):
    idle = Idle(monkeypatch)
    idle.hear_after_a_batch("inventory.queue", "order.created", times=1)
    idle.hear("inventory.queue", "payment.success", order="another")
    assert idle.ran == [1, 1]


def test_what_is_about_an_order_that_waits_waits_behind_it(monkeypatch):
    """It would come too early, and wait on its rung for 5 s."""
    idle = Idle(monkeypatch)
    idle.hear_after_a_batch("inventory.queue", "order.created", times=1)
    idle.hear("inventory.queue", "order.cancelled")
    assert idle.ran == [1]

    idle.wait(PACES["inventory.queue"].longest)
    assert idle.ran == [1, 1, 1]


@pytest.mark.parametrize(
    ("took", "events", "rest"),
    [
        (0.005, 1, 0.03),
        (0.01, 1, 0.06),
        (0.005, 3, 0.09),
        (0.01, 3, 0.15),
        (3, 1, 0.15),
    ],
)
def test_a_rest_grows_with_the_batch_and_its_time_up_to_a_limit(took, events, rest):
    assert Pace(times=6, longest=0.15).rest(took, events) == pytest.approx(rest)


def test_records_rest_however_quick_they_were(monkeypatch):
    idle = Idle(monkeypatch)
    idle.hear_after_a_batch("audit.queue", "order.created", times=3, took=0.0001)
    idle.wait(PACES["audit.queue"].longest - 0.1)
    assert idle.ran == [1]

    idle.wait(0.1)
    assert idle.ran == [1, 3]


def test_nothing_rests_with_all_in_hand_that_the_broker_would_deliver(monkeypatch):
    idle = Idle(monkeypatch)
    idle.hear_after_a_batch("inventory.queue", "order.created", times=16)
    assert idle.ran == [1, 16]


@pytest.mark.parametrize(
    ("queue", "full"), [("inventory.queue", 500), ("audit.queue", 1_000)]
)
def test_nothing_rests_with_as_much_as_a_batch_takes(monkeypatch, queue, full):
    idle = Idle(monkeypatch)
    idle.hear_after_a_batch(queue, "order.created", times=1)
    (one,) = idle.waiting

    idle.waiting = [one._replace(events=full - 1)]
    assert idle.resting_tasks() == {one.task}
    idle.waiting = [one._replace(events=full)]
    assert not idle.resting_tasks()


def test_after_a_batch_of_several_it_rests_so_many_times_as_long(monkeypatch):
    idle = Idle(monkeypatch)
    idle.hear("inventory.queue", "order.created")
    idle.rest([idle.batch[0]] * 2, took=0.01)
    idle.hear("inventory.queue", "order.created")
    idle.wait(PACES["inventory.queue"].rest(0.01, events=1))
    assert idle.ran == [1]

    idle.wait(PACES["inventory.queue"].rest(0.01, events=2))
    assert idle.ran == [1, 1]


def test_a_batch_that_is_settled_rests(monkeypatch):
    idle = Idle(monkeypatch)
    idle.hear("inventory.queue", "order.created")
    _settling(idle.batch, idle, ACK)()

    assert idle.resting_tasks() == {idle.batch[0].task}


def test_what_the_loop_is_asked_for_in_its_turn_is_done_before_it_sleeps(monkeypatch):
    """By call_soon a callback of the loop would have it done after its sleep."""
    idle, woken = Idle(monkeypatch), []
    idle.consumer.hub = hub = kombu.asynchronous.Hub()
    hub.call_soon(idle.add, "inventory.queue", message("order.created"))
    reader, writer = socketpair()
    with reader, writer:
        writer.send(b"a message")
        hub.add_reader(reader, lambda: woken.append(list(idle.ran)))
        hub.run_once()
        hub.close()

    assert woken == [[1]]


def test_what_an_outage_stops_after_a_reconnect_is_left_to_the_broker(monkeypatch):
    before, now = Idle(monkeypatch), Idle(monkeypatch)
    before.consumer.gathering = now
    before.give_back(["a batch of the connection that is gone"])

    assert before.waiting == []


def test_how_often_an_outage_stopped_a_message_is_counted(monkeypatch):
    worker = Idle(monkeypatch)
    worker.consumer.gathering, worker.running = worker, 1
    worker.hear("audit.queue", "order.created")
    for times in (1, 2, 3):
        batch, worker.waiting = worker.waiting, []
        worker.give_back(batch)
        assert [one.wire.held for one in worker.waiting] == [times]


def test_what_was_in_hand_when_the_connection_was_lost_is_no_death(monkeypatch):
    before = Idle(monkeypatch)
    before.running = 1
    for name in ("in hand", "acknowledged"):
        before.hear("audit.queue", "order.created", message_id=name)
    before.done(before.waiting[1:])

    now = Idle(monkeypatch, lost=before.in_hand)
    now.running = 1
    for name in ("in hand", "acknowledged", "of another worker", "in hand"):
        now.hear("audit.queue", "order.created", message_id=name)
    assert [one.wire.held for one in now.waiting] == [1, 0, 0, 0]


def test_what_comes_after_its_consumer_was_cancelled_has_no_queue(monkeypatch):
    idle = Idle(monkeypatch)
    idle.consumer.task_consumer = SimpleNamespace(_active_tags={"order.queue": "1"})
    late, known = (
        SimpleNamespace(delivery_info={"consumer_tag": tag}) for tag in ("2", "1")
    )

    assert [idle.queue_of(one) for one in (late, known)] == ["", "order.queue"]
