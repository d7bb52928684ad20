"""`manage.py place_orders`: many orders at once, without HTTP."""

import time
from collections.abc import Iterator, Sequence
from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser
from rich.console import Console
from rich.progress import track

from orders import services, tracing
from orders.demo import dataset
from orders.demo.display import Display
from orders.demo.watching import StuckError, watch
from orders.errors import UnknownProductError
from orders.pricing import NewOrder
from orders_project.messaging import people

#: Orders in a transaction.
BATCH = 500


class Command(BaseCommand):
    help = (
        "Place the orders of the demo's data at the catalogue's prices, without HTTP. "
        "Example: manage.py place_orders --orders 5000 --wait"
    )

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument(
            "--orders",
            type=people.whole(1, 1_000_000),
            default=5009,
            help="default: 5009",
        )
        parser.add_argument(
            "--wait", action="store_true", help="until all are completed or cancelled"
        )

    def handle(self, *, orders: int, wait: bool, **_options: Any) -> None:
        console, start = Console(), time.monotonic()
        try:
            placed = list(_place(orders, console))
        except UnknownProductError as error:
            raise CommandError(f"{error} First run: manage.py load_catalogue") from None
        console.print(_rate("Placed", orders, start))
        if wait:
            _drain(placed)
            console.print(_rate("Drained", orders, start))


def _place(count: int, console: Console) -> Iterator[str]:
    wanted = list(new_orders(count))
    for start in track(range(0, count, BATCH), "Placing", console=console):
        for order in services.place_orders(wanted[start : start + BATCH]):
            yield str(order.id)


def new_orders(count: int) -> Iterator[NewOrder]:
    """Yield orders of the data set, all with the trace of this run."""
    trace = tracing.traceparent()
    for past in dataset.repeated(count):
        yield NewOrder(
            items=past.items,
            country=past.country,
            priority=past.priority,
            email=past.email,
            reference=past.reference,
            customer_ref=past.customer_ref,
            trace=trace,
        )


def _drain(order_ids: Sequence[str]) -> None:
    try:
        with Display(len(order_ids)) as display:
            for counts in watch(lambda: order_ids, len(order_ids)):
                display.show(counts)
    except StuckError as error:
        raise CommandError(str(error)) from None


def _rate(what: str, orders: int, start: float) -> str:
    seconds = time.monotonic() - start
    return f"{what} {orders} orders in {seconds:.1f} s: {orders / seconds:,.0f}/s"
