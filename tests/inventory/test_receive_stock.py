"""Stock comes in from the shell."""

import pytest
from django.core.management import CommandError, call_command

from inventory.models import StockItem

pytestmark = pytest.mark.django_db


@pytest.fixture
def receive(capsys):
    def receive(*words):
        call_command("receive_stock", *words)
        return capsys.readouterr().out

    return receive


@pytest.mark.parametrize("words", [(), ("--units", "20")])
def test_a_sku_that_was_unknown_is_named_for_it_may_be_mistyped(receive, words):
    receive("TEAPOT")

    told = receive("TEAPOT", "TEEPOT", *words)
    assert "of 2 skus came in.\nNew in stock: TEEPOT\n" in told
    assert "New" not in receive("TEAPOT", "TEEPOT", *words)


def test_of_a_whole_catalogue_the_first_are_named(receive):
    told = receive()

    assert StockItem.objects.count() == 1865
    assert told.endswith(", ... and 1845 more\n")


@pytest.mark.parametrize("sku", ["", "X" * 101, "Ab" * 5_000])
def test_what_no_order_can_name_does_not_come_in(receive, sku):
    with pytest.raises(CommandError, match="1 to 100 characters, none of them NUL"):
        receive("TEAPOT", sku)

    assert not StockItem.objects.exists()


def test_more_than_the_column_holds_is_an_error_and_changes_nothing(receive):
    receive("TEAPOT", "--units", "2147483647")

    with pytest.raises(CommandError, match="Nothing came in: of some sku more than"):
        receive("KETTLE", "TEAPOT", "--units", "1")
    assert [one.received for one in StockItem.objects.all()] == [2147483647]
