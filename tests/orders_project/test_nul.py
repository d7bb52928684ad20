"""PostgreSQL takes no NUL in a text, and who sends one learns which of his it is."""

import pytest


def refused(answer):
    assert answer.status_code == 400, answer.content
    assert answer.json()["type"] == "urn:waybill:nul-character"
    (error,) = answer.json()["errors"]
    return error["field"]


def test_a_cookie_with_a_nul_is_refused(client, db):
    client.cookies.load('sessionid="abcdefgh\\000"')
    assert client.cookies["sessionid"].value == "abcdefgh\0"
    assert refused(client.get("/api/orders/")) == "sessionid"


@pytest.mark.parametrize(
    ("page", "field"),
    [
        ("orders/order/?q=%00", "q"),
        ("orders/order/?method=%00", "method"),
        ("orders/order/?method__in=cod,%00", "method__in"),
        ("orders/order/?a%00b=1", "a\0b"),
        ("orders/product/%00/change/", "the address"),
    ],
)
def test_no_page_of_the_admin_asks_the_database_for_one(admin_client, page, field):
    assert refused(admin_client.get(f"/admin/{page}")) == field


def test_what_holds_none_is_answered_as_ever(admin_client):
    assert admin_client.get("/admin/orders/order/?method=card").status_code == 200
