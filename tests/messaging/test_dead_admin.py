"""The desk in the admin: who may do what, and each page."""

import pytest
from django.contrib.auth.models import Permission, User
from django.core.management import call_command
from django.urls import reverse

from orders_project.messaging import inbox, outbox
from orders_project.messaging.desk import recording, selectors, services
from orders_project.messaging.errors import Poison
from orders_project.messaging.events import Event, OrderCreated, new_id
from orders_project.messaging.models import DeadLetter, Parcel
from tests.events import created, lines
from tests.messaging.desk import (
    QUEUE,
    Handler,
    dead,
    letter_of,
    listen,
    paid,
    step_letter,
)

pytestmark = pytest.mark.django_db


def page(name, *args):
    return reverse(f"admin:messaging_deadletter_{name}", args=args)


LIST = "/admin/messaging/deadletter/"


def read(client, url, **query):
    answer = client.get(url, query)
    assert answer.status_code == 200, answer
    return answer.content.decode()


def press(client, url, verb, *numbers, across=0, **more):
    """Press a button and confirm it, as the forms of the pages do."""
    form = {"action": verb, "_selected_action": numbers, "select_across": across}
    asked = client.post(url, form | more)
    assert "Why:" in asked.content.decode()
    confirmed = form | {"confirmed": "yes", "reason": "fixed in 1.4"} | more
    return client.post(url, confirmed, follow=True).content.decode()


@pytest.fixture
def staff(client):
    """Log in a member of staff with these permissions and no others."""

    def staff(*may):
        user = User.objects.create_user("bob", password="x", is_staff=True)
        user.user_permissions.set(Permission.objects.filter(codename__in=may))
        client.force_login(user)
        return client

    return staff


def test_the_list_shows_open_letters_and_filters(admin_client, handler):
    mine, other = letter_of(paid()), letter_of(paid(), queue="order.queue")
    gone = letter_of(paid())
    services.discard(DeadLetter.objects.filter(pk=gone.pk), who="ada", why="old")

    def shown(**query):
        answer = admin_client.get(LIST, query)
        return {letter.pk for letter in answer.context["cl"].result_list}

    assert shown() == {mine.pk, other.pk}
    assert shown(queue="order.queue") == {other.pk}
    assert shown(status="discarded") == {gone.pk}
    assert shown(status="any", type="order.paid") == {mine.pk, other.pk, gone.pk}
    assert shown(cause=other.cause) == {other.pk}
    assert shown(q=str(mine.order_id)) == {mine.pk}
    assert shown(q=str(mine.event_id)) == {mine.pk}
    assert shown(q="no id at all") == set()


def test_a_letters_page_shows_everything_with_the_orders_timeline(
    admin_client, handler
):
    event = paid()
    outbox.append(event, event.then(type(event), total_cents=1, currency="USD"))
    letter = letter_of(event)
    text = read(admin_client, page("change", letter.pk))

    for words in ("ValueError: a bug", "Traceback", "total_cents", event.id):
        assert words in text
    assert text.count("order.paid") >= 3
    assert "(this one)" in text
    assert reverse("admin:orders_order_change", args=[event.order_id]) in text


def test_one_letter_is_replayed_with_a_reason_and_its_page_tells(admin_client, handler):
    letter = letter_of(paid())
    said = press(
        admin_client, f"{LIST}?status=any", "replay", letter.pk, back=letter.pk
    )

    assert "1 on their way to their queue" in said
    assert "fixed in 1.4" in said
    letter.refresh_from_db()
    assert letter.status == "replaying"
    assert letter.actions.get().who == "admin"
    assert "passed over" in press(
        admin_client, f"{LIST}?status=any", "replay", letter.pk
    )
    assert Parcel.objects.count() == 1


def test_nothing_happens_without_a_reason(admin_client, handler):
    letter = letter_of(paid())
    form = {"action": "discard", "_selected_action": letter.pk, "confirmed": "yes"}
    answer = admin_client.post(LIST, form | {"reason": "  "})

    assert "Say why" in answer.content.decode()
    letter.refresh_from_db()
    assert letter.status == "open"


def test_a_whole_cause_is_replayed_or_discarded_from_its_page(admin_client, handler):
    letters = [letter_of(paid()) for _ in range(3)]
    other = letter_of(paid(), queue="order.queue")
    text = read(admin_client, page("causes"))
    assert letters[0].place in text
    assert f"?cause={letters[0].cause}" in text

    url = f"{LIST}?cause={letters[0].cause}"
    assert "3 discarded." in press(admin_client, url, "discard", 0, across=1)
    other.refresh_from_db()
    assert other.status == "open"
    assert "Nothing was discarded" in press(admin_client, url, "discard", 0, across=1)


def test_all_open_letters_are_replayed_at_once(admin_client, handler):
    event = paid()
    letter_of(event)
    inbox.take_new(QUEUE.name, [event])
    letter_of(paid())
    recording.record(dead("not JSON"))
    said = press(admin_client, LIST, "replay", 0, across=1)

    assert "1 on their way" in said
    assert "1 were handled meanwhile" in said
    assert "1 cannot be replayed" in said


def test_the_data_is_edited_and_refused_with_the_fields_name(admin_client, handler):
    letter = letter_of(paid())
    url, seen = page("edit", letter.pk), services.version(letter)
    assert "total_cents" in read(admin_client, url)
    wrong = {"content": '{"total_cents": "x", "currency": "USD"}', "reason": "typo"}
    answer = admin_client.post(url, wrong | {"seen": seen})
    assert "$.total_cents" in answer.content.decode().replace("&#x27;", "'")

    right = wrong | {"content": '{"total_cents": 7, "currency": "USD"}'}
    said = admin_client.post(url, right | {"seen": seen}, follow=True)
    assert "The data was changed." in said.content.decode()
    assert "-    &quot;total_cents&quot;: 1999" in said.content.decode()
    letter.refresh_from_db()
    assert '"total_cents": 7' in selectors.data_of(letter)


def test_a_dry_run_has_its_page_and_what_cannot_be_rehearsed_says_why(
    admin_client, handler
):
    letter = letter_of(paid())
    handler.error = Poison("No such order.")
    text = admin_client.post(page("dry_run", letter.pk)).content.decode()
    assert "It would die again at once: Poison: No such order." in text

    step = step_letter("payments.tasks.capture", new_id(), "payment.prepaid.queue")
    said = admin_client.post(page("dry_run", step.pk), follow=True).content.decode()
    assert "it may call a payment gateway" in said
    assert admin_client.get(page("dry_run", letter.pk)).status_code == 302


def test_rubbish_can_be_looked_at(admin_client):
    recording.record(dead(b"\x80\x04\x95<b>pickle</b>"))
    text = read(admin_client, page("change", DeadLetter.objects.get().pk))

    assert "&lt;b&gt;pickle" in text
    assert "This is no event that can be read" in text
    assert "Edit the data" not in text


def test_without_permission_nothing_is_seen(staff):
    letter = letter_of(paid())
    client = staff()

    for url in (LIST, page("causes"), page("change", letter.pk)):
        assert client.get(url).status_code == 403


def test_who_may_only_look_changes_nothing(staff, handler):
    letter = letter_of(paid())
    client = staff("view_deadletter")

    for url in (LIST, page("causes"), page("change", letter.pk)):
        text = read(client, url)
        assert 'value="Replay"' not in text
        assert 'value="replay"' not in text
    assert client.get(page("edit", letter.pk)).status_code == 403
    assert client.post(page("dry_run", letter.pk)).status_code == 403
    form = {"action": "discard", "_selected_action": letter.pk, "confirmed": "yes"}
    client.post(LIST, form | {"reason": "because"})
    letter.refresh_from_db()
    assert letter.status == "open"


def test_who_may_change_works_at_the_desk_but_writes_no_row_himself(staff, handler):
    letter = letter_of(paid())
    client = staff("change_deadletter")

    assert "1 discarded." in press(client, LIST, "discard", letter.pk)
    assert client.post(page("change", letter.pk), {"reason": "x"}).status_code == 403
    assert client.get(page("add")).status_code == 403
    assert client.post(page("delete", letter.pk)).status_code == 403


# ---- personal data
CUSTOMER = {"email": "ada@example.org", "phone": "+4930123", "payment_token": "tok_1"}


@pytest.fixture
def order():
    return created(lines=lines(TEAPOT=1), category="tea", **CUSTOMER)


def test_the_customers_data_is_masked_wherever_a_letter_is_shown(
    admin_client, monkeypatch, order, capsys
):
    listen(monkeypatch, lambda events: outbox.append(order), OrderCreated)
    letter = letter_of(order.then(OrderCreated, **fields_of(order)))
    changed = selectors.data_of(letter).replace("ada@", "eve@")
    services.edit(letter.pk, changed, seen=services.version(letter), who="a", why="b")

    shown = read(admin_client, page("change", letter.pk))
    shown += admin_client.post(page("dry_run", letter.pk)).content.decode()
    call_command("dead", "show", letter.pk)
    call_command("dead", "replay", letter.pk, "--dry-run")
    shown += capsys.readouterr().out

    assert shown.count("TEAPOT") >= 4
    assert "***" in shown
    assert [it for it in (*CUSTOMER.values(), "eve@") if it in shown] == []


def test_who_may_change_it_edits_it_in_clear(admin_client, monkeypatch, order):
    listen(monkeypatch, Handler(), OrderCreated)
    letter = letter_of(order)
    assert "ada@example.org" in read(admin_client, page("edit", letter.pk))


def fields_of(event):
    common = {*Event.__struct_fields__}
    return {
        name: getattr(event, name)
        for name in event.__struct_fields__
        if name not in common
    }
