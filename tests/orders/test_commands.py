import json
import re
import threading
from contextlib import contextmanager

import pytest
from django.core.management import CommandError, call_command
from django.db import connection

from orders.demo import dataset, shopping, watching
from orders.demo.summary import percentiles
from orders.management.commands import run_demo
from orders.models import Order, OrderLine, Product
from orders_project.database import sql
from orders_project.messaging.events import OrderCreated, StockRanOut
from orders_project.messaging.topology import ORDER_QUEUE
from tests.bus import hear, said
from tests.orders.conftest import delivered, paid, prepared


@pytest.fixture
def loaded(db):
    call_command("load_catalogue", verbosity=0)


def test_the_catalogue_is_loaded_once(db, capsys):
    call_command("load_catalogue")
    assert "1865 products: 1865 new, 0 changed" in capsys.readouterr().out
    Product.objects.filter(pk="item1").update(unit_cents=1)
    call_command("load_catalogue")
    assert "0 new, 1 changed, 1864 as they were. 32 skus" in capsys.readouterr().out
    assert Product.objects.filter(pk__in=("item1", "item2", "1")).count() == 3


def test_of_several_names_and_prices_the_newest_counts(tmp_path):
    file = tmp_path / "some.csv"
    file.write_text(
        "order_date,sku,category,sub_category,product_name,unit_cents\n"
        "2015-01-01,A,c,s,new name,2\n"
        "2014-01-01,A,c,s,old name,1\n"
        "2014-01-01,B,c,s,only name,3\n"
    )
    products, dirty = dataset.products([file], currency="USD")
    assert [(one.sku, one.name, one.unit_cents) for one in products] == [
        ("A", "new name", 2),
        ("B", "only name", 3),
    ]
    assert dirty == 1


def test_a_sku_that_no_order_could_name_is_not_loaded(db, tmp_path, settings):
    sku = "X" * 101
    file = tmp_path / "some.csv"
    file.write_text(
        "order_date,sku,category,sub_category,product_name,unit_cents\n"
        f"2015-01-01,FINE,c,s,a name,2\n2015-01-01,{sku},c,s,a name,2\n"
    )
    settings.CATALOGUE_FILES = [file]
    with pytest.raises(CommandError, match=f"1 to 100.*'{sku}'.*CATALOGUE_FILES"):
        call_command("load_catalogue")
    assert not Product.objects.exists()


def test_orders_are_placed_in_bulk_and_repeat_with_new_ids(loaded):
    call_command("place_orders", "--orders", "5010")
    assert Order.objects.count() == 5010
    assert len(said(OrderCreated)) == 5010
    first = dataset.past_orders()[0]
    assert Order.objects.filter(reference=first.reference).count() == 2
    assert set(Order.objects.values_list("priority", flat=True)) == {"normal", "urgent"}


def test_the_same_sku_on_two_lines_of_the_data_becomes_one(loaded):
    call_command("place_orders")
    units = sum(item.quantity for past in dataset.past_orders() for item in past.items)
    [(stored,)] = sql.fetch("SELECT sum(quantity) FROM orders_orderline")
    assert stored == units
    assert OrderLine.objects.count() < 9994


def test_without_a_catalogue_one_is_told_what_to_do(db):
    with pytest.raises(CommandError, match="load_catalogue"):
        call_command("place_orders", orders=1)


@contextmanager
def running(work):
    """Run `work` again and again beside us, as the workers would."""
    stop = threading.Event()

    def run():
        try:
            while not stop.wait(0.02):
                work()
        finally:
            connection.close()

    thread = threading.Thread(target=run)
    thread.start()
    try:
        yield
    finally:
        stop.set()
        thread.join()


def deliver_everything():
    """Play the other apps: pay, ship and deliver what is not declined."""
    for order in Order.objects.filter(status__in=("pending", "paid", "shipped")):
        hear(ORDER_QUEUE, *NEWS.get(order.payment_token, went_well)(order))


def went_well(order):
    return (
        [paid(order)]
        if order.status == "pending"
        else [prepared(order), delivered(order)]
    )


def ran_out(order):
    return [StockRanOut(order_id=str(order.id), skus=("X",))]


NEWS = {"tok_declined": ran_out}


@pytest.mark.django_db(transaction=True)
def test_the_demo_orders_over_http_waits_and_sums_up(
    live_server, monkeypatch, tmp_path, capsys
):
    call_command("load_catalogue")
    monkeypatch.setattr(run_demo, "call_command", lambda name: name)
    figures = tmp_path / "figures.json"
    with running(deliver_everything):
        call_command("run_demo", url=live_server.url, orders=60, json=figures)

    read = json.loads(figures.read_text())
    assert read["placed"] == 60
    assert read["completed"] + read["cancelled"] == 60
    assert read["completed"] > 40
    assert read["promises_kept"] is True
    assert 0 < read["latency_ms"]["p50"] <= read["latency_ms"]["p99"]
    out = capsys.readouterr().out
    assert "60 of 60 placed" in out
    assert "out_of_stock" in out


@pytest.mark.django_db(transaction=True)
def test_the_demo_fails_when_a_promise_is_broken(
    live_server, monkeypatch, tmp_path, capsys
):
    def verify(name):
        raise CommandError("2 violations: ..")

    call_command("load_catalogue")
    monkeypatch.setattr(run_demo, "call_command", verify)
    figures = tmp_path / "figures.json"
    with running(deliver_everything), pytest.raises(CommandError, match="not proven"):
        call_command("run_demo", url=live_server.url, orders=3, json=figures)

    assert json.loads(figures.read_text())["promises_kept"] is False
    told = capsys.readouterr()
    assert re.search(r"promises kept\s*│\s*no ", told.out)
    assert told.err == "2 violations: ..\n"


@pytest.mark.django_db(transaction=True)
def test_the_demo_gives_up_and_names_the_stuck_orders(live_server, monkeypatch):
    call_command("load_catalogue")
    monkeypatch.setattr(watching, "PATIENCE_SECONDS", 0.6)
    with pytest.raises(CommandError) as stuck:
        call_command("run_demo", url=live_server.url, orders=2)
    for order in Order.objects.all():
        assert f"{order.id} is pending, last heard: order.created" in str(stuck.value)


@pytest.mark.django_db(transaction=True)
def test_a_shop_that_takes_no_order_is_told_at_once(live_server):
    with pytest.raises(CommandError, match="not in the catalogue"):
        call_command("run_demo", url=live_server.url, orders=2)


def test_a_shop_that_is_not_there_is_told_at_once(db):
    with pytest.raises(CommandError, match="Could not order"):
        call_command("run_demo", url="http://127.0.0.1:9", orders=1)


def test_a_shop_that_speaks_no_http_is_refused():
    with pytest.raises(CommandError, match="argument --url: 'ftp://x' does not begin"):
        call_command("run_demo", "--url", "ftp://x")


@pytest.mark.parametrize(
    ("seconds", "told"),
    [
        ([], {"p50": 0, "p95": 0, "p99": 0}),
        ([0.25], {"p50": 250, "p95": 250, "p99": 250}),
        ([1, 2], {"p50": 1500, "p95": 1950, "p99": 1990}),
        (range(101), {"p50": 50_000, "p95": 95_000, "p99": 99_000}),
    ],
)
def test_the_percentiles_are_of_those_that_were_completed_few_as_they_be(seconds, told):
    assert percentiles(seconds) == told


def test_a_rate_spreads_the_orders_over_time():
    due = [errand.due for errand in shopping.errands(4, rate=2)]
    assert [moment - due[0] for moment in due] == pytest.approx([0, 0.5, 1, 1.5])


def test_the_mix_holds_every_ending_and_adds_up():
    assert sum(shopping.MIX.values()) == 100
    ways = {errand.way for errand in shopping.errands(300, rate=None)}
    assert ways == set(shopping.MIX)
