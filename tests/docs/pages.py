"""The project's pages, taken apart: their tables, code blocks, commands and links."""

import re
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

ROOT = Path(__file__).resolve().parents[2]
FENCE = re.compile(r"^```(\w*)\n(.*?)^```$", re.MULTILINE | re.DOTALL)
TABLE = re.compile(r"(?:^\|.*\n)+", re.MULTILINE)
CODE = re.compile(r"`([^`\n]+)`")


class Page(NamedTuple):
    path: Path

    @property
    def text(self) -> str:
        return self.path.read_text()

    @property
    def prose(self) -> str:
        """What stands outside the code blocks."""
        return FENCE.sub("", self.text)

    def blocks(self, language: str) -> list[str]:
        return [body for kind, body in FENCE.findall(self.text) if kind == language]

    def table(self, heading: str) -> list[list[str]]:
        """Return the cells of the first table below a heading, without its titles."""
        return self.tables(heading)[0]

    def tables(self, heading: str) -> list[list[list[str]]]:
        """Return every table from a heading to the end of the page."""
        _, found, below = self.text.partition(f"# {heading}\n")
        assert found, f"{self.path.name} has no heading {heading!r}"
        return [_rows(table) for table in TABLE.findall(below)]

    @property
    def slugs(self) -> set[str]:
        """The anchors of the headings, as GitHub makes them."""
        headings = re.findall(r"^#+ (.*)$", self.prose, re.MULTILINE)
        return {
            re.sub(r"[^\w\- ]", "", heading.lower()).replace(" ", "-")
            for heading in headings
        }


def _rows(table: str) -> list[list[str]]:
    lines = table.splitlines()[2:]
    return [[cell.strip() for cell in line.strip()[1:-1].split("|")] for line in lines]


def codes(cell: str) -> list[str]:
    """Return what a cell has in code style."""
    return CODE.findall(cell)


README = Page(ROOT / "README.md")
ARCHITECTURE = Page(ROOT / "docs/architecture.md")
CONTRIBUTING = Page(ROOT / "CONTRIBUTING.md")
OPERATIONS = Page(ROOT / "docs/operations.md")
EVENTS = Page(ROOT / "docs/events.md")
PAGES = [
    Page(path) for path in sorted((*ROOT.glob("*.md"), *(ROOT / "docs").rglob("*.md")))
]


def commands() -> list[str]:
    """Return every command on every page: lines of `sh` blocks, and in code style."""
    return [command for page in PAGES for command in _commands(page)]


def _commands(page: Page) -> Iterator[str]:
    for block in page.blocks("sh"):
        yield from block.replace("\\\n", " ").splitlines()
    for code in CODE.findall(page.prose):
        if code.startswith(STARTS) and " " in code:
            yield code


STARTS = ("bin/", "celery ", "docker ", "manage.py ", "python ", "deploy/compose/")
