"""Who dies, or hears nothing, in the middle of a transaction: all of it, or nothing."""

from urllib.parse import urlsplit

import pytest
from django.conf import settings
from django.db import transaction
from kombu import Connection

from orders import services
from orders.models import Order
from orders.pricing import Item, NewOrder
from orders_project.messaging import broker, outages, outbox, relay
from orders_project.messaging.events import OrderPaid, new_id
from orders_project.messaging.models import LoggedEvent, Parcel
from tests.faults.house import House
from tests.faults.machine import Killed, dying
from tests.faults.paper import work
from tests.faults.proxy import Proxy

#: So many statements each of the two has at least.
PLACING, HANDLING = range(1, 4), range(1, 6)


@pytest.fixture
def house(on_paper):
    house = House()
    house.open(TEAPOT=1)
    yield house
    house.close()


@pytest.mark.parametrize("statement", PLACING)
def test_what_dies_while_it_places_an_order_leaves_nothing(house, statement):
    with pytest.raises(Killed), dying(statement):
        services.place_orders([NewOrder(items=[Item(sku="TEAPOT")])])

    assert not any(table.objects.exists() for table in (Order, LoggedEvent, Parcel))


@pytest.mark.parametrize("statement", HANDLING)
def test_what_dies_while_it_handles_an_event_does_it_when_it_comes_again(
    house, statement
):
    house.place(NewOrder(items=[Item(sku="TEAPOT")], email="ada@example.com"))
    relay.carry(house.broker)
    copies = [one for one in house.broker.ready if one.queue == "inventory.queue"]
    with pytest.raises(Killed), dying(statement):
        work(copies)
    house.broker.came_back(copies)

    house.come_to_rest()
    assert Order.objects.get().status == "completed"


@pytest.fixture
def silent(topology, monkeypatch):
    """A publisher whose broker has stopped to answer, as behind a dead switch."""
    monkeypatch.setattr(broker, "CONFIRM_SECONDS", 0.5)
    port = urlsplit(settings.AMQP_URL).port
    proxy = Proxy(port)
    through = settings.AMQP_URL.replace(f":{port}/", f":{proxy.port}/")
    with Connection(through) as connection:
        publisher = broker.Publisher(connection.connection)
        proxy.silence()
        yield publisher
        proxy.reset()
    proxy.close()


@pytest.mark.django_db(transaction=True)
def test_what_the_broker_did_not_confirm_stays_in_the_outbox(silent):
    with transaction.atomic():
        outbox.append(OrderPaid(order_id=new_id(), total_cents=1, currency="USD"))
    with pytest.raises(outages.BROKER_GONE):
        relay.carry(silent)

    assert Parcel.objects.count() == 1
