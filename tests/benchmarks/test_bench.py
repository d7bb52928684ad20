"""bin/bench measures what it says, and refuses what it cannot."""

import json
import subprocess
import xml.etree.ElementTree as ET
from pathlib import Path

import pytest

from benchmarks import orders, report, svg
from benchmarks.contestants import CONTESTANTS
from benchmarks.room import Room
from benchmarks.trial import Result

ROOT = Path(__file__).resolve().parents[2]


def bench(*words):
    return subprocess.run(
        [ROOT / "bin" / "bench", *words], capture_output=True, text=True, check=False
    )


@pytest.mark.story
def test_waybill_and_the_bare_scripts_carry_fifty_orders_and_leave_a_report(tmp_path):
    words = ("--only", "waybill,floor,outbox", "--orders", "50", "--rounds", "1")
    done = bench(*words, "--report", tmp_path)

    assert done.returncode == 0, done.stderr
    assert done.stdout.strip() == str(tmp_path / "report.md")
    results = json.loads((tmp_path / "results.json").read_text())
    waybill, floor, outbox = results
    assert {one["orders"] for one in results} == {50}
    assert {"relay", "worker-audit", "placing"} <= waybill["cpu"].keys()
    assert outbox["written"]["rows inserted"] >= 24 + 9 + 8
    assert floor["written"]["rows inserted"] >= 24
    assert {"placing", "worker-flow", "RabbitMQ", "PostgreSQL"} <= floor["cpu"].keys()


def test_it_says_how_it_is_used():
    assert "bin/bench --only" in bench("--help").stdout


def test_a_name_that_nobody_has_is_refused():
    done = bench("--only", "floor,ceiling")

    assert done.returncode == 1
    assert "no contestant ceiling; there are waybill, " in done.stderr


# ---- the check
def test_work_that_was_skipped_is_found():
    found = {"completed": 10, "audited": 89}
    room = Room("", "", cursor=Cursor(found))

    assert room.differs("completed;audited;", {"completed": 10, "audited": 90}) == (
        "audited: 89, not 90"
    )
    assert room.differs("completed;audited;", found) == ""


class Cursor:
    """Answers a statement, here a name, from a table."""

    def __init__(self, found):
        self.found = found

    def execute(self, name):
        self.row = (name, self.found[name])

    def fetchone(self):
        return self.row


def test_everybody_gets_the_same_orders(tmp_path):
    first, second = (orders.write(tmp_path / name, 20) for name in "ab")

    assert [one["lines"] for one in first] == [one["lines"] for one in second]
    assert not {one["id"] for one in first} & {one["id"] for one in second}
    assert all(len({line["sku"] for line in one["lines"]}) == 2 for one in first)
    assert orders.expected(first)["audited"] == 180


def test_every_contestant_has_its_folder_and_its_line():
    readme = (ROOT / "benchmarks" / "README.md").read_text()

    for name, one in CONTESTANTS.items():
        assert (one.folder / Path(one.place.split()[-1]).name).exists()
        assert f"[{name}]({name}/)" in readme


# ---- the report
def test_the_median_of_the_rounds_is_compared_with_waybill(tmp_path):
    runs = [("waybill", 1.0), ("waybill", 2.0), ("waybill", 4.0), ("node", 20.0)]
    results = [_result(name, seconds) for name, seconds in runs]

    page = report.write(tmp_path, results, "bin/bench").read_text()

    assert "| Waybill | 1,000 | 500 (250 to 1,000) | 1 |" in page
    assert f"| {CONTESTANTS['node'].title} | 1,000 | 50 (50 to 50) | 10 |" in page
    assert "| 0 | 0.5 | 2 | 0 | 0 | **2.5** |" in page
    assert "| `relay` | 0.5 |" in page


def _result(name, seconds):
    cpu = {"relay": 0.5, "worker-order": 1.5, "worker-audit": 0.5}
    return Result(name, 1000, seconds, cpu, {"rows inserted": 24.0})


def test_a_plot_is_as_long_as_its_figures():
    drawn = svg.chart("A < B", [svg.Bar("a", [1], "1"), svg.Bar("b", [1, 3], "4")])

    _frame, *bars = ET.fromstring(drawn).iter("{http://www.w3.org/2000/svg}rect")  # noqa: S314 - ours
    widths = [float(bar.get("width")) for bar in bars]
    assert widths == [widths[0], widths[0], pytest.approx(3 * widths[0])]


def test_what_was_too_short_to_be_measured_is_drawn_too():
    drawn = svg.chart("CPU", [svg.Bar("a", [0.0, 0.0], "0")])

    assert ">a<" in drawn
