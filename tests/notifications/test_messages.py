"""What a customer reads, and what nobody can smuggle into it."""

import email
from email import policy

import pytest
from django.core.mail import BadHeaderError, get_connection

from notifications.channels.email import compose
from notifications.channels.files import EmailBackend, SmsFiles, name
from notifications.channels.port import Letter, Sms
from notifications.channels.sms import TextMessage, text
from notifications.wording import SMS, SUBJECTS
from orders_project.messaging.events import Line

ORDER = "01912345-6789-7abc-8def-0123456789ab"


def letter(milestone="created", **data):
    return Letter(
        **{
            "id": 1,
            "order_id": ORDER,
            "milestone": milestone,
            "detail": "WB-1",
            "attempts": 0,
            "address": "gayal@example.org",
            "total_cents": 3998,
            "currency": "USD",
            "lines": (Line(sku="TEAPOT", quantity=2, unit_cents=1999),),
        }
        | data
    )


def parts(mail):
    """Return a mail's text and HTML as a mailbox would read them off the wire."""
    message = email.message_from_bytes(mail.message().as_bytes(), policy=policy.default)
    return [
        message.get_body((kind,)).get_content().strip() for kind in ("plain", "html")
    ]


@pytest.mark.parametrize("milestone", SUBJECTS)
def test_every_milestone_has_text_and_html_that_name_the_order(milestone):
    for part in parts(compose(letter(milestone))):
        assert ORDER in part
        assert "{" not in part.replace("{{", "")


@pytest.mark.parametrize("milestone", SUBJECTS)
def test_every_milestone_fits_into_one_text_message(milestone):
    said = text(letter(milestone, total_cents=99_999_999_99, detail="out_of_stock"))

    assert len(said) <= 160
    assert SMS.keys() == SUBJECTS.keys()


def test_the_confirmation_of_an_order_lists_what_was_bought():
    plain, html = parts(compose(letter()))

    assert "2 x TEAPOT, 19.99 USD each" in plain
    assert "Total: 39.98 USD" in plain
    assert "2 &times; TEAPOT" in html


def test_the_tracking_number_and_the_reason_are_told():
    assert "WB-1" in parts(compose(letter("shipped")))[0]
    [plain, _] = parts(compose(letter("cancelled", detail="out_of_stock")))
    assert "an item is out of stock" in plain


def test_html_in_the_data_is_text():
    evil = letter(lines=(Line(sku="<script>x</script>", quantity=1, unit_cents=1),))

    plain, html = parts(compose(evil))

    assert "<script>" not in html
    assert "&lt;script&gt;" in html
    assert "<script>x</script>" in plain


@pytest.mark.parametrize("address", ["a@b.c\nBcc: all@b.c", "a@b.c\r\n\r\nhello"])
def test_a_line_break_in_an_address_adds_no_header(address):
    with pytest.raises(BadHeaderError):
        compose(letter(address=address)).message()


def test_a_brace_in_the_data_is_not_a_template():
    assert "{detail}" in text(letter("shipped", detail="{detail}"))
    assert "{{ total }}" in parts(compose(letter("shipped", detail="{{ total }}")))[0]


def test_a_mail_keeps_its_id_so_that_mailboxes_show_it_once():
    ids = [compose(letter()).message()["Message-ID"] for _ in range(2)]

    assert ids == [f"<{ORDER}.created@waybill.example>"] * 2


def test_the_file_backend_writes_one_readable_file_for_each_mail(outgoing):
    with EmailBackend() as backend:
        backend.send_messages([compose(letter()), compose(letter("paid"))])

    first, second = sorted((outgoing / "email").iterdir())
    assert first.name.endswith(f"_{ORDER}_created.eml")
    assert second.name.endswith(f"_{ORDER}_paid.eml")
    assert "Thank you for your order" in first.read_text()


def test_the_file_backend_takes_any_other_mail_of_the_site(outgoing, settings):
    settings.EMAIL_BACKEND = "notifications.channels.files.EmailBackend"
    mail = compose(letter())
    mail.extra_headers = {}

    get_connection().send_messages([mail, mail])

    assert len(list((outgoing / "email").iterdir())) == 2


def test_a_file_name_cannot_lead_out_of_its_folder():
    assert "/" not in name("../../etc/passwd", "a/b")


class Remembering:
    sent = []

    def send(self, sms):
        self.sent.append(sms)


def test_another_text_message_service_is_one_setting(settings):
    settings.SMS_SENDER = f"{__name__}.Remembering"

    TextMessage().send(letter("paid", address="+94771234567"))

    assert Remembering.sent == [
        Sms("+94771234567", text(letter("paid")), ORDER, "paid")
    ]


def test_a_text_message_is_a_file_by_default(outgoing):
    SmsFiles().send(Sms("+1", "hello", ORDER, "paid"))

    [file] = (outgoing / "sms").iterdir()
    assert file.read_text() == "To: +1\n\nhello\n"


def test_the_shop_speaks_under_its_own_name(settings):
    settings.SHOP_NAME = "Bits & Bobs"
    for milestone in SUBJECTS:
        plain, html = parts(compose(letter(milestone)))
        assert text(letter(milestone)).startswith("Bits & Bobs: ")
        assert "\nBits & Bobs" in plain
        assert "Bits &amp; Bobs" in html
        for said in (plain, html, text(letter(milestone))):
            assert "Waybill" not in said
