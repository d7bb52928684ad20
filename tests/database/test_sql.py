"""Rows travel to the server as they are, or not at all."""

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from orders_project.database import sql
from tests.texts import AWKWARD

pytestmark = pytest.mark.django_db

READ = f"SELECT number::int, text FROM {sql.table('number, text')}"


def test_rows_of_texts_arrive_as_they_were_written():
    given = [(n, text) for n, text in enumerate(AWKWARD) if text and "\n" not in text]

    found = sql.fetch(READ, sql.columns((str(n), text) for n, text in given))
    assert found == given


def test_a_parameter_with_a_name_travels_as_one_with_a_place():
    found = sql.fetch(
        "SELECT %(texts)s::text[], %(texts)s::text[]", {"texts": [*AWKWARD]}
    )
    assert found == sql.fetch("SELECT %s::text[], %s::text[]", [[*AWKWARD], [*AWKWARD]])
    assert found == [([*AWKWARD], [*AWKWARD])]


def test_a_list_of_texts_is_one_literal_and_no_expression_for_each():
    texts = ["a", "b"]
    with CaptureQueriesContext(connection) as queries:
        sql.run("SELECT %s::text[]", [texts])
        sql.run("SELECT %(texts)s::text[]", {"texts": texts})

    assert {one["sql"] for one in queries} == {"""SELECT '{"a","b"}'::text[]"""}


@pytest.mark.parametrize("texts", [[""], ["", ""], ["a", ""], ["", "a"]])
def test_an_empty_text_is_null(texts):
    found = sql.fetch(READ, sql.columns(("1", text) for text in texts))

    assert found == [(1, text or None) for text in texts]


@pytest.mark.parametrize("row", [("1", "two\nlines"), ("1", "\n")])
def test_a_text_that_would_shift_the_others_is_refused(row):
    with pytest.raises(ValueError, match="line feed"):
        sql.columns([row])
