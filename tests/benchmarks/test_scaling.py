"""The model of docs/scaling.md, and that the page shows what it says."""

import json

import pytest

from benchmarks import planned
from benchmarks.copies import MANY
from benchmarks.scaling import ALL, WEB_MS, Cost, System
from orders_project.messaging.topology import QUEUES
from tests.benchmarks.test_bench import bench

#: Of 4 ms, half is PostgreSQL's, and no commit waits for a disk.
CPU = {"placing": 0.5, "relay": 0.5, "worker-audit": 0.5, "worker-inventory": 0.5}
COST = Cost(CPU | {"PostgreSQL": 2.0, "RabbitMQ": 0.0, "web": WEB_MS}, 0.0001, 1e-3)


def test_the_page_shows_the_tables_of_the_last_benchmark():
    page = planned.PAGE.read_text()

    assert page == planned.filled(page, planned.tables()), (
        "docs/scaling.md is older than benchmarks/report: bin/bench --scaling renews it"
    )


def test_every_table_has_its_place_on_the_page():
    places = [name for _, name, _ in planned.PLACE.findall(planned.PAGE.read_text())]

    assert sorted(places) == sorted(planned.tables())


def test_what_stands_between_the_tables_stays():
    page = "<!-- a -->\n<!-- end -->\nkept\n<!-- b -->\nold\n<!-- end -->\n"

    assert planned.filled(page, {"a": "1", "b": "2"}) == (
        "<!-- a -->\n1\n<!-- end -->\nkept\n<!-- b -->\n2\n<!-- end -->\n"
    )


def test_the_cost_of_an_order_is_the_median_of_waybills_runs(tmp_path):
    runs = [_run("waybill", seconds) for seconds in (1, 2, 30)] + [_run("floor", 99)]
    (tmp_path / "results.json").write_text(json.dumps(runs))

    cost = Cost.read(tmp_path / "results.json")

    assert cost.cpu["relay"] == 2.0
    assert (cost.commits, cost.wal) == (0.5, 1000)
    assert cost.stages == ["relay"]


def _run(name, seconds):
    written = {"commits": 0.5, "bytes of WAL": 1000}
    return {"name": name, "orders": 1000, "cpu": {"relay": seconds}, "written": written}


# ---- what ends first
def test_on_few_cores_all_of_the_cpu_counts():
    rate, what = System("", {ALL: 2}, entrance="placing").ceilings(COST)[0]

    assert rate == pytest.approx(2 * 1000 / 4)
    assert what == "2 cores of everything"


def test_on_many_cores_a_stage_ends_that_waits_for_postgresql():
    rate, what = System("", {ALL: 64}, entrance="placing").ceilings(COST)[0]

    # Half a ms of its own, and a quarter of the server's two.
    assert rate == pytest.approx(1000, rel=1e-3)
    assert what.endswith("(1)")


def test_more_workers_add_up_but_not_those_of_stock():
    found = System("", {ALL: 64}, copies=4, entrance="placing").ceilings(COST)
    rates = {what: rate for rate, what in found}

    assert rates["`worker-inventory` (1)"] == pytest.approx(1000, rel=1e-3)
    assert rates["`worker-audit` (8)"] == pytest.approx(8000, rel=1e-3)


def test_each_server_may_have_cores_of_its_own():
    groups = {"the application": 64, "PostgreSQL": 1, "RabbitMQ": 1}
    free = Cost(COST.cpu | {"RabbitMQ": 1.0}, COST.commits, COST.wal)
    rates = {what: rate for rate, what in System("", groups).ceilings(free)}

    assert rates["1 cores of PostgreSQL"] == pytest.approx(500)
    assert rates["1 cores of RabbitMQ"] == pytest.approx(1000)


# ---- the measurements
def test_what_runs_several_times_hears_a_queue_that_is_there():
    queues = {one.queue for one in MANY.values() if one.queue}

    assert queues <= {queue.name for queue in QUEUES}


def test_a_measurement_that_nobody_has_is_refused():
    done = bench("--scaling", "cores,clouds")

    assert done.returncode == 1
    assert "no measurement clouds; there are cores, relay, " in done.stderr
