"""bin/load measures what it says: its clients, its copies of orders, its plans."""

import json
import subprocess
import sys
import threading
import time
import xml.etree.ElementTree as ET
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from itertools import pairwise
from pathlib import Path

import pytest
from django.db import connection

from audit.selectors import violations as audit_violations
from benchmarks.loads import client, filling, plans, report
from benchmarks.loads.figures import Figure, Outcome, milliseconds, percentile
from benchmarks.loads.lines import Line, plot
from benchmarks.loads.shop import LEFT, NOTED, RECORDED, Shop
from benchmarks.loads.table import LOADS
from benchmarks.loads.watching import memory
from deploy.local.system import System
from inventory.services import receive_stock
from orders.models import Order, Product
from orders.pricing import Item, NewOrder
from orders.services import place_orders
from orders_project import promises
from orders_project.database import sql
from tests.bus import pump

ROOT = Path(__file__).resolve().parents[2]


def load(*words):
    return subprocess.run(
        [ROOT / "bin" / "load", *words], capture_output=True, text=True, check=False
    )


@pytest.mark.story
@pytest.mark.timeout(300)
def test_a_light_load_is_measured_and_reported(tmp_path):
    page = tmp_path / "loads.md"
    done = load("light", "--rate", "10", "--seconds", "3", "--report", page)

    assert "| orders refused, at 10/s | 0 | 0 | kept |" in done.stdout, done.stderr
    assert "| placed to completed at 1/s: p50 |" in done.stdout
    assert "| `shipping.delivered` → `order.completed` | 30 |" in done.stdout
    assert page.read_text().count("## light") == 1


def test_every_load_is_listed_with_its_bar():
    listed = load("--list").stdout

    for name, one in LOADS.items():
        assert f"| `{name}` | {one.shows} | {one.bar} |" in listed
    assert "bin/load --all" in load("--help").stdout


def test_a_name_that_no_load_has_is_refused():
    done = load("light", "heavy")

    assert done.returncode == 1
    assert "no load heavy; there are http, light, " in done.stderr


# ---- the shop
def test_orders_have_ended_when_all_is_recorded_and_noted(monkeypatch):
    own = Shop(System("bench-1"))
    counts = dict.fromkeys(LEFT.values(), 0) | {RECORDED: 18, NOTED: 15}
    monkeypatch.setattr(own, "one", lambda statement, *_params: counts[statement])

    assert own.missing("a mark", 2) == "15 of 16 notifications"
    counts[NOTED] += 1
    assert own.missing("a mark", 2) == ""
    counts |= {RECORDED: 17, NOTED: 17}
    assert own.missing("a mark", 2) == "17 of 18 records"
    counts |= {RECORDED: 19, NOTED: 15}
    assert own.missing("a mark", 2) == "15 of 16 notifications"


def test_the_memory_of_a_process_is_also_that_of_what_it_started():
    held = "x = bytearray(60_000_000); print(flush=True); input()"
    between = (
        f"import subprocess, sys; subprocess.run([sys.executable, '-c', {held!r}])"
    )
    line = [sys.executable, "-c", between]
    with subprocess.Popen(line, stdin=subprocess.PIPE, stdout=subprocess.PIPE) as one:
        one.stdout.readline()
        found = memory(one.pid)
        one.communicate(b"\n")

    assert 60_000_000 < found < 120_000_000
    assert memory(one.pid) == 0


# ---- the customers
def test_a_slow_shop_gets_as_many_orders_only_later_answers():
    with ThreadingHTTPServer(("127.0.0.1", 0), Slow) as server:
        threading.Thread(target=server.serve_forever).start()
        url = f"http://127.0.0.1:{server.server_port}"
        start = time.monotonic()
        answers = client.order(url, rate=50, seconds=0.4)
        took = time.monotonic() - start
        server.shutdown()

    assert [one.status for one in answers] == [201] * 20
    assert {one.order_id for one in answers} == {"an-id"}
    assert min(one.seconds for one in answers) > Slow.seconds
    assert took < 20 * Slow.seconds / 2


class Slow(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    seconds = 0.2

    def do_POST(self):
        order = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
        time.sleep(self.seconds)
        body = json.dumps({"id": "an-id"}).encode()
        self.send_response(201 if len(order["items"]) == 2 else 400)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *words):
        """Say nothing."""


def test_nobody_there_is_an_error_for_each_order():
    answers = client.order("http://127.0.0.1:9", rate=100, seconds=0.05)

    assert [one.status for one in answers] == [0] * 5


# ---- the copies of orders
@pytest.mark.django_db(transaction=True)
def test_copied_orders_keep_every_promise(settings):
    settings.CONFIRMATION_DELAY_SECONDS = settings.CARRIER_DELIVERY_SECONDS = 0
    Product.objects.create(
        sku="TEAPOT", name="Pot", category="Tea", unit_cents=1999, currency="USD"
    )
    receive_stock({"TEAPOT": 100})
    place_orders([NewOrder(items=[Item(sku="TEAPOT", quantity=2)]) for _ in range(3)])
    pump()

    filling.fill(_url(), copies=2)

    assert Order.objects.filter(status="completed").count() == 9
    assert [*promises.violations(resting=False), *audit_violations()] == []
    assert [sql.fetch(one.query) for one in promises.RESTING if one.query] == [[]] * 6
    assert Order.objects.order_by("id").first().created_at.timestamp() == (
        pytest.approx(time.time() - 2 * filling.STEP_SECONDS, abs=30)
    )


def _url():
    there = connection.settings_dict
    login = f"{there['USER']}:{there['PASSWORD']}"
    return f"postgres://{login}@{there['HOST']}:{there['PORT']}/{there['NAME']}"


# ---- the plans
LOG = """\
2026-11-21 UTC [7] LOG:  duration: 0.1 ms  plan:
\t{
\t  "Query Text": "SELECT *\\nFROM stock WHERE sku = E'it''s' AND n = 3 AND NOT false",
\t  "Plan": {"Node Type": "Seq Scan", "Relation Name": "stock", "Actual Rows": 2,
\t    "Actual Loops": 3, "Rows Removed by Filter": 500, "Shared Hit Blocks": 7}
\t}
2026-11-21 UTC [7] LOG:  something else
"""


def test_a_plan_that_reads_for_nothing_is_found_by_its_statement():
    found = plans.best(LOG)

    plan = found[
        plans.kind_of("select * from stock where sku = $1 and n = $2 and not $3")
    ]
    assert plans.read(plan) == (6, 1500)
    assert plans.read(plan).is_by_far_too_much
    assert [*plans.text(plan)] == [
        "Seq Scan on stock: 2 x 3 rows, 500 for nothing, 7 pages"
    ]


# ---- the report
def test_a_bar_is_kept_or_missed():
    assert milliseconds("p99", 0.1, below=150).kept
    assert not milliseconds("p99", 0.2, below=150).kept
    assert percentile(range(101), 99) == 99


def test_a_report_keeps_the_sections_of_other_loads(tmp_path):
    page = tmp_path / "loads.md"
    for name, figure in (("light", "1 ms"), ("http", "2 ms"), ("light", "3 ms")):
        outcome = Outcome([Figure("p50", figure)], {name: plot("a", [])})
        report.write(page, name, outcome, f"bin/load {name}")

    text = page.read_text()
    assert "1 ms" not in text
    assert text.index("2 ms") < text.index("## light") < text.index("3 ms")
    assert (tmp_path / "load-light.svg").exists()


def test_a_line_ends_where_its_figures_do():
    drawn = plot("A < B", [Line("a", [(0, 0), (10, 50)]), Line("b", [(10, 100)])])

    _, first = ET.fromstring(drawn).iter("{http://www.w3.org/2000/svg}polyline")  # noqa: S314 - ours
    ends = [[float(n) for n in one.split(",")] for one in first.get("points").split()]
    assert ends[1][0] > ends[0][0]
    assert ends[1][1] < ends[0][1]


@pytest.mark.parametrize("last", [0, 50, 100])
def test_many_names_stand_apart_and_inside_the_picture(last):
    lines = [Line(f"worker-{n}", [(0, 100), (10, last)]) for n in range(14)]
    drawn = ET.fromstring(plot("Memory", lines))  # noqa: S314 - ours
    height = float(drawn.get("viewBox").split()[3])

    names = [one for one in drawn.iter() if (one.text or "").startswith("worker-")]
    places = [float(one.get("y")) for one in names]
    assert all(above + 10 < below for above, below in pairwise(places))
    assert places[0] > 10
    assert places[-1] < height
