"""The desk from the shell."""

import pytest
from django.core.management import CommandError, call_command

from orders_project.messaging import outbox
from orders_project.messaging.models import DeadLetter, Parcel
from tests.messaging.desk import letter_of, paid

pytestmark = pytest.mark.django_db


@pytest.fixture
def run(capsys, monkeypatch, handler):
    monkeypatch.setenv("COLUMNS", "300")

    def run(*words):
        call_command("dead", *map(str, words))
        return capsys.readouterr().out

    return run


def test_letters_and_their_causes_are_listed(run):
    first, second = letter_of(paid()), letter_of(paid(), queue="order.queue")

    text = run("list")
    assert "2 open dead letters" in text
    assert str(first.order_id) in text
    assert str(second.order_id) in text
    assert "1 open" in run("list", "--queue", "order.queue")
    assert first.cause in run("list", "--groups")


def test_one_is_shown_with_its_orders_timeline(run):
    event = paid()
    outbox.append(event)
    text = run("show", letter_of(event).pk)

    for words in ("Traceback", '"total_cents": 1999', "What happened since", "> 20"):
        assert words in text


def test_a_dry_run_changes_nothing_and_says_what_would_be(run, handler):
    letter_of(paid())
    letter_of(paid())

    text = run("replay", "--all", "--dry-run")
    assert "2 letters: It would be handled." in text
    assert not Parcel.objects.exists()


def test_a_group_is_replayed_with_who_and_why(run):
    letter = letter_of(paid())
    letter_of(paid(), queue="order.queue")

    text = run("replay", "--group", letter.cause, "--reason", "fixed in 1.4")
    assert text == "1 on their way to their queue.\n"
    action = letter.actions.get()
    assert action.why == "fixed in 1.4"
    assert "shell" in action.who


def test_letters_are_discarded_by_number(run):
    one, two, three = (letter_of(paid()) for _ in range(3))

    assert run("discard", one.pk, two.pk, "--reason", "old") == "2 discarded.\n"
    assert list(DeadLetter.objects.filter(status="open")) == [three]


@pytest.mark.parametrize(
    ("verb", "told"),
    [
        (("discard", "--reason", "x"), "1 discarded."),
        (("replay", "--reason", "x"), "1 on their way to their queue."),
        (("replay", "--dry-run"), "Nothing was changed."),
    ],
)
def test_a_number_that_is_nobodys_is_named_and_the_others_are_done(verb, told, capsys):
    letter = letter_of(paid())

    with pytest.raises(CommandError, match=r"^There is no dead letter 98, 99\.$"):
        call_command("dead", *verb, "99", "98", str(letter.pk))
    assert told in capsys.readouterr().out


def test_what_was_settled_is_passed_over_by_its_number(run, capsys):
    one, two = letter_of(paid()), letter_of(paid())
    run("discard", one.pk, "--reason", "old")

    call_command("dead", "discard", str(one.pk), str(two.pk), "--reason", "old")
    told = capsys.readouterr()
    assert told.out == "1 discarded.\n"
    assert told.err == f"Passed over, on their way or settled: {one.pk}.\n"


def test_a_queue_that_was_dropped_is_listed_while_it_has_letters(run):
    letter_of(paid(), queue="former.queue")

    assert "1 open" in run("list", "--queue", "former.queue")


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (("list", "--queue", "nope"), "There is no queue 'nope'.*: .*order.queue"),
        (("show", "7"), "There is no dead letter 7"),
        (("replay", "7", "--reason", "x"), "No such dead letter"),
        (("replay", "--group", "abc", "--reason", "x"), "dead list --groups"),
        (("discard", "--all", "--reason", "x"), "No such dead letter"),
        (("replay", "--reason", "x"), "one of the arguments"),
        (("replay", "7", "--all", "--reason", "x"), "not allowed with"),
        ((), "required: verb"),
    ],
)
def test_a_mistake_is_an_error_in_words(run, words, said):
    with pytest.raises(CommandError, match=said):
        run(*words)


def test_there_must_be_a_reason(run):
    letter = letter_of(paid())

    for verb in ("replay", "discard"):
        with pytest.raises(CommandError, match="Say why"):
            run(verb, letter.pk)
        with pytest.raises(CommandError, match="Say why"):
            run(verb, letter.pk, "--reason", " ")


def test_what_was_settled_before_is_an_error(run):
    letter = letter_of(paid())
    run("discard", letter.pk, "--reason", "old")

    with pytest.raises(CommandError, match="none of these letters is open"):
        run("discard", letter.pk, "--reason", "old")
    run("replay", letter.pk, "--reason", "not old at all")
    with pytest.raises(CommandError, match="Nothing was replayed"):
        run("replay", letter.pk, "--reason", "again")


def test_the_help_has_examples(capsys):
    with pytest.raises(SystemExit):
        call_command("dead", "--help")
    assert '\n  manage.py dead replay --group 3f2a9c01 --reason "fixed' in (
        capsys.readouterr().out
    )
