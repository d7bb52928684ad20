"""Money is written in one way, and only currencies of two decimals are sold for."""

import pytest
from django.urls import reverse

from orders.models import Order, Product
from orders_project.money import money, why_not
from payments.admin import PaymentAdmin
from payments.models import Payment
from tests.orders.conftest import catalogue

__all__ = ("catalogue",)

FIELDS = {"sku": "BOWL", "name": "Bowl", "category": "Kitchen", "unit_cents": 1500}


@pytest.mark.parametrize(
    ("cents", "currency", "written"),
    [
        (1999, "USD", "19.99 USD"),
        (5, "EUR", "0.05 EUR"),
        (123456789, "USD", "1,234,567.89 USD"),
        (2**63 - 1, "USD", "92,233,720,368,547,758.07 USD"),
        (0, "USD", "0.00 USD"),
    ],
)
def test_money_is_written_as_people_do_wherever_it_stands(cents, currency, written):
    amount = PaymentAdmin.amount
    assert money(cents, currency) == written
    assert Order(total_cents=cents, currency=currency).total == written
    assert amount(None, Payment(amount_cents=cents, currency=currency)) == written


def test_a_payment_without_an_amount_shows_none():
    assert PaymentAdmin.amount(None, Payment(amount_cents=0, currency="")) == ""


@pytest.mark.parametrize("currency", ["USD", "EUR", "LKR", "INR"])
def test_a_currency_of_two_decimals_will_do(currency):
    assert why_not(currency) == ""


@pytest.mark.parametrize("currency", ["JPY", "KWD", "CLF", "usd", "US", "EURO", ""])
def test_the_catalogue_takes_no_other_currency(admin_client, catalogue, currency):
    add = reverse("admin:orders_product_add")
    page = admin_client.post(add, FIELDS | {"currency": currency})

    assert "currency" in page.context["adminform"].errors
    assert not Product.objects.filter(sku="BOWL").exists()


def test_the_catalogue_takes_one_of_two_decimals(admin_client):
    admin_client.post(reverse("admin:orders_product_add"), FIELDS | {"currency": "EUR"})
    assert Product.objects.get(sku="BOWL").currency == "EUR"
