"""The page about the last runs, in both its forms."""

from xml.etree import ElementTree as ET

import pytest

from tests.faults import report
from tests.faults.verdict import Verdict

KEPT = Verdict(
    "F4", "the <database> restarts", 7, 3, recovery=5.6, bar=10,
    marks=[(1.0, "PostgreSQL stopped")], accepted=[0.5, 1, 2], ends=[1.5, 3],
)  # fmt: skip
LATE = Verdict("F13", "everything is restarted", 8, 2, late=["relay took 11 s."])


@pytest.fixture(autouse=True)
def runs(monkeypatch, tmp_path):
    monkeypatch.setattr("tests.faults.verdict.RESULTS", tmp_path)
    monkeypatch.setattr(report, "RESULTS", tmp_path)
    LATE.write()
    KEPT.write()


def test_a_page_has_a_row_and_a_plot_for_each_fault(tmp_path):
    report.write(page := tmp_path / "faults.html")

    text = page.read_text()
    assert '<tr class="kept"><td>F4<td>the &lt;database&gt; restarts<td>3' in text
    assert '<tr class="LATE"><td>F13' in text
    assert text.index("F4") < text.index("F13")
    assert text.count('class="ended"') == 2 + 1  # and the key's


def test_markdown_has_its_picture_beside_it(tmp_path):
    report.write(page := tmp_path / "faults.md")

    assert "| F4 | the <database> restarts | 3 | 0 | 0 | 0 | 5.6 s" in page.read_text()
    assert "(faults.svg)" in page.read_text()
    picture = ET.fromstring((tmp_path / "faults.svg").read_text())  # noqa: S314 - ours
    assert len(picture.findall(".//{*}title")) == 1
