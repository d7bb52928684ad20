"""The table of `bin/faults --mutate` still fits the code."""

import pytest

from deploy.local.places import ROOT
from tests.faults.mutations import MUTATIONS


@pytest.mark.parametrize("mutation", MUTATIONS, ids=lambda one: one.name)
def test_a_safeguard_stands_where_the_table_says(mutation):
    assert not list(mutation.misfits(ROOT))


@pytest.mark.parametrize("mutation", MUTATIONS, ids=lambda one: one.name)
def test_the_tests_that_are_to_notice_exist(mutation):
    for file, _, name in (test.partition("::") for test in mutation.tests):
        assert (ROOT / file).is_dir() or f"def {name}" in (ROOT / file).read_text()


def test_the_page_of_guarantees_shows_every_mutation():
    page = (ROOT / "docs" / "guarantees.md").read_text()
    assert [one.name for one in MUTATIONS if f"| {one.name} |" not in page] == []
