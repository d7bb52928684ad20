"""The SQL on the operations page names what it says it names."""

from contextlib import closing
from threading import Thread

import pytest
from django.db import connection

from deploy.local.waiting import until
from orders_project.database import sql
from tests.docs.pages import OPERATIONS

LOCK = "LOCK TABLE orders_order"


@pytest.mark.django_db(transaction=True)
def test_who_holds_a_lock_that_others_wait_for_is_named():
    (query,) = OPERATIONS.blocks("sql")
    waiting = Thread(target=look_at_the_orders)
    with closing(connection.copy()) as holder:
        holder.set_autocommit(autocommit=False)
        holder.cursor().execute(LOCK)
        waiting.start()
        until(lambda: sql.fetch(query), what="somebody waiting", seconds=5)
        ((pid, *_), *others) = sql.fetch(query)

        assert (pid, others) == (holder.connection.info.backend_pid, [])
    waiting.join()


def look_at_the_orders():
    with closing(connection.copy()) as another:
        another.cursor().execute("TABLE orders_order")
