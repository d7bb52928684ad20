"""What a worker tells Flower about batches of events."""

import json

from orders_project.messaging.events import OrderPaid, new_id
from tests.broker.behaviours import FINE, QUEUE
from tests.processes import worker


def test_the_states_of_a_batch_reach_flower_in_one_message(broker, topology):
    listening = broker.listen("celeryev", "task.#")
    with worker(QUEUE.name, app="tests.broker.crooked"):
        broker.say(
            QUEUE, OrderPaid(order_id=new_id(), total_cents=FINE, currency="USD")
        )
        states = json.loads(broker.take(listening).body)
    assert [state["type"] for state in states] == [
        "task-received",
        "task-started",
        "task-succeeded",
    ]
    assert {state["uuid"] for state in states} == {states[0]["uuid"]}
