"""Why an order ended: each word that the code says is told to customers in words."""

import ast
import importlib
import re

import pytest

from notifications.wording import OTHERWISE, WHY, why
from orders.services.moving import reason_of
from orders_project.messaging.events import StockRanOut, new_id
from tests.docs.pages import EVENTS, ROOT, codes

#: What a word travels in: our own, and those of the simulated gateway.
CARRIERS = ("reason", "refusal")
WORD = re.compile(r"[a-z_]+")


def modules():
    for app in ("orders", "inventory", "payments", "orders_project/reconciler"):
        for path in (ROOT / app).rglob("*.py"):
            if "migrations" not in path.parts:
                yield path, ast.parse(path.read_text())


def given(tree):
    """Yield every expression that is given as a reason, by call or by default."""
    for node in ast.walk(tree):
        if isinstance(node, ast.keyword) and node.arg in CARRIERS:
            yield node.value
        if isinstance(node, ast.FunctionDef):
            names = [one.arg for one in node.args.kwonlyargs]
            defaults = zip(names, node.args.kw_defaults, strict=True)
            yield from (value for name, value in defaults if name in CARRIERS and value)


def words(path, value):
    """Return the words that an expression names, be it of Python or of SQL."""
    if isinstance(value, ast.Name) and value.id.isupper():
        name = ".".join(path.relative_to(ROOT).with_suffix("").parts)
        return {getattr(importlib.import_module(name), value.id)}
    if not isinstance(value, ast.Constant) or not value.value:
        return set()
    if WORD.fullmatch(value.value):
        return {value.value}
    return set(re.findall(r"THEN '([a-z_]+)'", value.value))


def reasons():
    ran_out = reason_of(StockRanOut(order_id=new_id(), skus=()))
    found = (words(path, one) for path, tree in modules() for one in given(tree))
    return {ran_out}.union(*found)


def test_each_reason_in_the_code_is_found():
    assert reasons() >= {"customer", "staff", "expired", "voided", "voided_at_gateway"}


def test_customers_are_told_each_reason_in_words():
    assert set(WHY) == reasons()


def test_each_reason_is_on_the_page_of_events():
    table = EVENTS.table("Reasons")
    assert {codes(word)[0] for word, _ in table} == reasons()


@pytest.mark.parametrize("word", ["do_not_honor", "05", "staff: Bob is ill", ""])
def test_a_word_of_a_real_gateway_is_not_for_customers(word):
    assert why(word) == OTHERWISE
