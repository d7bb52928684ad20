"""What the pages point at is there."""

import re

import pytest

from tests.docs.pages import CODE, PAGES, ROOT, Page

LINK = re.compile(r"\]\(([^)\s]+)\)")
#: A path in code style, as `orders/views.py`.
FILE = re.compile(r"[\w.-]+(?:/[\w.-]+)+\.(?:py|md|svg|toml|yml)")
#: A page of ours: no URL, and no address of the API.
PAGE = re.compile(r"(?<![/\w])docs/[\w./-]*\w")

ids = [str(page.path.relative_to(ROOT)) for page in PAGES]


@pytest.mark.parametrize("page", PAGES, ids=ids)
def test_links_lead_somewhere(page):
    links = [link for link in LINK.findall(page.prose) if "://" not in link]

    assert [link for link in links if not _leads_somewhere(page, link)] == []


def _leads_somewhere(page, link):
    name, _, anchor = link.partition("#")
    target = (page.path.parent / name).resolve() if name else page.path
    return target.exists() and (not anchor or anchor in Page(target).slugs)


@pytest.mark.parametrize("page", PAGES, ids=ids)
def test_files_that_are_named_exist(page):
    named = [code for code in CODE.findall(page.prose) if FILE.fullmatch(code)]

    assert [name for name in named if not (ROOT / name).exists()] == []


def test_every_decision_is_in_the_list():
    folder = ROOT / "docs/adr"
    listed = LINK.findall((folder / "README.md").read_text())

    assert listed == sorted(path.name for path in folder.glob("0*.md"))


def test_pages_that_the_code_points_at_exist():
    packages = (path.parent for path in ROOT.glob("*/__init__.py"))
    sources = [one for package in packages for one in package.rglob("*.py")]
    named = {name for one in sources for name in PAGE.findall(one.read_text())}

    assert named
    assert [name for name in named if not [*ROOT.glob(f"{name}*")]] == []
