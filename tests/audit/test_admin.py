"""The records and the figures in the admin, and the panel on an order's page."""

import pytest
from django.urls import reverse

from orders_project.messaging.events import OrderPaid, new_id
from orders_project.messaging.topology import ANALYTICS_QUEUE
from orders_project.panels import PANELS
from tests.audit.conftest import created, record, say
from tests.audit.test_verify import tamper
from tests.bus import hear

pytestmark = pytest.mark.django_db

RECORDS = "admin:audit_auditrecord_changelist"
RECORD = "admin:audit_auditrecord_change"
ANALYTICS = "admin:audit_orderfact_changelist"


def test_records_are_found_by_their_order(admin_client, recorded):
    found = admin_client.get(reverse(RECORDS), {"q": recorded[0].order_id})
    none = admin_client.get(reverse(RECORDS), {"q": "what"})

    assert found.context["cl"].result_count == 4
    assert none.context["cl"].result_count == 0


def test_a_record_s_page_says_that_its_chain_verifies(admin_client, recorded):
    page = admin_client.get(reverse(RECORD, args=[recorded[2].id]))

    assert '<div class="readonly">yes</div>' in page.content.decode()


def test_a_record_s_page_says_where_its_chain_breaks(admin_client, recorded):
    tamper("UPDATE {} SET hash = 'x' WHERE seq = 2")

    page = admin_client.get(reverse(RECORD, args=[recorded[0].id]))

    assert "NO. Order" in page.content.decode()


PERSONAL = {
    "email": "ada@example.org",
    "phone": "+1 555 0100",
    "payment_token": "tok_9",
}


def test_a_record_s_page_masks_what_is_personal_and_still_verifies_it(admin_client):
    event = created(**PERSONAL)
    say(event)
    record(event)

    page = admin_client.get(reverse(RECORD, args=[event.id])).content.decode()

    assert "3998" in page
    assert '<div class="readonly">yes</div>' in page
    for private in PERSONAL.values():
        assert private not in page


def test_a_record_cannot_be_changed_or_deleted(admin_client, recorded):
    page = reverse(RECORD, args=[recorded[0].id])

    assert admin_client.post(page, {"type": "x"}).status_code == 403
    assert admin_client.get(page.replace("change", "delete")).status_code == 403


def test_the_figures_are_a_page(admin_client, recorded):
    hear(ANALYTICS_QUEUE, *recorded)

    page = admin_client.get(reverse(ANALYTICS), {"hours": "1"}).content.decode()

    assert "Analytics of the last 1 hours" in page
    assert "created to paid" in page


@pytest.mark.parametrize("hours", ["", "0", "-5", "x", "9" * 40, "²"])
def test_a_strange_number_of_hours_shows_the_last_day(admin_client, hours):
    page = admin_client.get(reverse(ANALYTICS), {"hours": hours})

    assert "last 24 hours" in page.content.decode()


def test_the_figures_need_a_login(client):
    assert client.get(reverse(ANALYTICS)).status_code == 302


def test_the_panel_shows_the_chain(recorded):
    rows = PANELS["Audit"](recorded[0].order_id)

    assert rows[0] == ("chain verifies", "yes")
    assert [label for label, _ in rows[1:]][:2] == ["1. order.created", "2. order.paid"]


def chain_of(events):
    return dict(PANELS["Audit"](events[0].order_id))["chain verifies"]


@pytest.mark.parametrize("gone", ["seq = 4", "seq > 1", "true"])
def test_what_is_not_recorded_yet_or_no_longer_is_no_chain_that_verifies(
    recorded, gone
):
    tamper(f"DELETE FROM {{}} WHERE {gone}")

    said = chain_of(recorded)

    assert said.startswith("not yet complete. Order")
    assert said.endswith("it is in the log, but not recorded.")


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ("DELETE FROM {} WHERE seq IN (1, 4)", "record 1 is missing before it"),
        (
            "UPDATE {} SET body = replace(body, '3998', '1') WHERE seq = 2",
            "does not fit its hash",
        ),
    ],
)
def test_what_was_changed_is_said_before_what_is_not_complete(recorded, change, words):
    say(recorded[-1].then(OrderPaid, total_cents=1, currency="USD"))
    tamper(change)

    assert chain_of(recorded).startswith("NO. Order")
    assert words in chain_of(recorded)


def test_an_event_whose_cause_nobody_said_is_no_chain_that_verifies():
    orphan = OrderPaid(order_id=new_id(), cause=new_id(), total_cents=1, currency="USD")
    say(orphan)
    record(orphan)

    assert "its cause" in chain_of([orphan])
    assert chain_of([orphan]).startswith("NO. ")


@pytest.mark.parametrize(("hours", "shown"), [(24, True), (25, False), (720, False)])
def test_times_that_take_sorting_every_order_are_shown_of_a_day_at_most(
    admin_client, recorded, hours, shown
):
    hear(ANALYTICS_QUEUE, *recorded)

    page = admin_client.get(reverse(ANALYTICS), {"hours": hours}).content.decode()

    assert ("created to paid" in page) is shown
    assert (f"manage.py analytics --hours {hours}" in page) is not shown
