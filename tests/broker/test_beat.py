"""What beat sends reaches its task, and is done."""

import sys
from datetime import timedelta

import pytest
from celery import current_app
from celery.beat import PersistentScheduler

from inventory.models import StockItem
from orders_project.messaging.events import utc_now
from orders_project.messaging.topology import CONSUMED
from tests.awaiting import eventually
from tests.processes import process, worker

RECONCILE = "orders_project.tasks.reconcile"
DAILY = current_app.conf.beat_schedule[RECONCILE]["schedule"]


@pytest.fixture
def missed(tmp_path):
    """Return a schedule on disk, as beat left it the evening before."""
    file = str(tmp_path / "schedule")
    scheduler = PersistentScheduler(current_app, schedule_filename=file)
    scheduler.schedule[RECONCILE].last_run_at = utc_now() - timedelta(days=1)
    scheduler.close()
    return file


def test_by_night_beat_has_the_reconciler_mend_what_differs(broker, missed):
    StockItem.objects.create(sku="TEAPOT", received=10, reserved=3)
    words = ("-m", "celery", "-A", "orders_project", "beat", "-l", "info")

    with (
        worker("messaging.tasks"),
        process(sys.executable, *words, "-s", missed) as beat,
    ):
        try:
            eventually(lambda: StockItem.objects.get().reserved == 0)
        finally:
            log = beat.log()
    assert f"Sending due task {RECONCILE}" in log


def test_it_is_due_once_a_day_at_the_hour_that_was_chosen(settings):
    assert (DAILY.hour, DAILY.minute) == ({settings.RECONCILE_HOUR}, {17})


@pytest.mark.parametrize("name", current_app.conf.beat_schedule)
def test_everything_on_the_schedule_is_a_task_with_a_queue_that_is_heard(name):
    task = current_app.conf.beat_schedule[name]["task"]
    queue = current_app.amqp.router.route({}, task)["queue"]

    assert task in current_app.tasks
    assert queue.name in {one.name for one in CONSUMED}
