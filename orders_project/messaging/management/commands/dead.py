"""`manage.py dead`: the dead-letter desk from the shell."""

from argparse import RawDescriptionHelpFormatter
from collections import Counter
from collections.abc import Iterable
from typing import Any

from django.core.management.base import (
    BaseCommand,
    CommandError,
    CommandParser,
    DjangoHelpFormatter,
)
from django.db.models import QuerySet
from django.utils.timezone import localtime
from rich.console import Console
from rich.table import Table

from orders_project.database.silence import MAINTENANCE, long_statements
from orders_project.messaging import people
from orders_project.messaging.desk import rehearsal, selectors, services, tidying
from orders_project.messaging.models import DeadLetter
from orders_project.messaging.topology import CONSUMED

EXAMPLES = """
examples:
  manage.py dead list                               open letters, newest first
  manage.py dead list --groups                      by cause, the most frequent first
  manage.py dead show 17                            one letter, and its order's timeline
  manage.py dead replay 17 --dry-run                what would happen
  manage.py dead replay --group 3f2a9c01 --reason "fixed in 1.4"
  manage.py dead discard --queue sms.queue --reason "too late to matter"
  manage.py dead tidy                               bring dead.letter.queue in step
"""
SHOWN = ("status", "since", "reason", "attempts", "deaths", "copies", "place", "cause")
TIMES = ("first_failure", "last_failure", "parked")
MAX_SHOWN = 20
#: Lines of a list that a terminal still takes.
LONGEST = 1_000_000
WIDE = 240


class AsWritten(RawDescriptionHelpFormatter, DjangoHelpFormatter):
    """Leaves the lines of the examples as they are."""


class Command(BaseCommand):
    help = (
        "The dead-letter desk: list, show, replay (or --dry-run) and discard what was "
        "parked; tidy brings dead.letter.queue in step. "
        "Example: manage.py dead replay --group 3f2a9c01 --reason 'fixed in 1.4'"
    )

    def create_parser(
        self, prog_name: str, subcommand: str, **options: Any
    ) -> CommandParser:
        options |= {"epilog": EXAMPLES, "formatter_class": AsWritten}
        return super().create_parser(prog_name, subcommand, **options)

    def add_arguments(self, parser: CommandParser) -> None:
        verbs = parser.add_subparsers(dest="verb", required=True)
        _listing(verbs.add_parser("list", help="open letters, or their causes"))
        show = verbs.add_parser("show", help="one letter, and its order's timeline")
        show.add_argument("id", type=int)
        replay = verbs.add_parser("replay", help="send letters to their queues again")
        _choice(replay)
        replay.add_argument(
            "--dry-run", action="store_true", help="run the handlers and roll back"
        )
        _choice(verbs.add_parser("discard", help="settle letters unheard"))
        verbs.add_parser("tidy", help="take settled letters out of dead.letter.queue")

    # After a bug that parked all there was they may be hundreds of thousands.
    @long_statements(MAINTENANCE)
    def handle(self, *, verb: str, **options: Any) -> None:
        out: Any = self.stdout
        # A file or a pipe takes whole lines.
        width = None if out.isatty() else WIDE
        self.console = Console(file=out, width=width)
        {
            "list": self.list,
            "show": self.show,
            "replay": self.replay,
            "discard": self.discard,
            "tidy": self.tidy,
        }[verb](options)

    # ---- reading
    def list(self, options: dict[str, Any]) -> None:
        if options["groups"]:
            self.console.print(_groups())
            return
        _require_known(options["queue"])
        letters = selectors.chosen(
            group=options["group"],
            queue=options["queue"],
            everything=not options["group"] and not options["queue"],
        )
        self.console.print(_letters(letters, options["limit"]))

    def show(self, options: dict[str, Any]) -> None:
        letter = DeadLetter.objects.filter(pk=options["id"]).first()
        if not letter:
            raise CommandError(f"There is no dead letter {options['id']}.")
        for line in _page(letter):
            self.stdout.write(line)

    # ---- doing
    def replay(self, options: dict[str, Any]) -> None:
        letters = _chosen(options)
        if options["dry_run"]:
            self.rehearse(letters)
            _require_all(options)
            return
        result = services.replay(letters, who=people.user(), why=_reason(options))
        self.stdout.write(f"{result}.")
        if not result.started + result.applied:
            raise CommandError("Nothing was replayed.")
        _require_all(options)

    def rehearse(self, letters: QuerySet[DeadLetter]) -> None:
        verdicts: Counter[str] = Counter()
        for letter in letters.order_by("pk").iterator(chunk_size=100):
            verdict, details = _rehearsed(letter)
            verdicts[verdict] += 1
            if verdicts.total() <= MAX_SHOWN:
                lines = [f"{letter.pk}: {verdict}", *details]
                self.stdout.write("\n  ".join(lines))
        for words, count in verdicts.most_common():
            self.stdout.write(f"{count} letters: {words}")
        self.stdout.write("Nothing was changed.")

    def discard(self, options: dict[str, Any]) -> None:
        letters = _chosen(options)
        why = _reason(options)
        passed_over = letters.exclude(services.DISCARDABLE).values_list("pk", flat=True)
        settled = sorted(passed_over)
        count = services.discard(letters, who=people.user(), why=why)
        if not count:
            raise CommandError("Nothing was discarded: none of these letters is open.")
        self.stdout.write(f"{count} discarded.")
        if settled:
            self.stderr.write(
                f"Passed over, on their way or settled: {_numbers(settled)}."
            )
        _require_all(options)

    def tidy(self, _options: dict[str, Any]) -> None:
        try:
            self.stdout.write(str(tidying.tidy()))
        except tidying.AlreadyTidyingError as error:
            raise CommandError(str(error)) from error


def _listing(parser: Any) -> None:
    parser.add_argument("--groups", action="store_true", help="count them by cause")
    parser.add_argument("--group", default="", help="only this cause")
    parser.add_argument("--queue", default="", help="only this queue")
    parser.add_argument(
        "--limit", type=people.whole(1, LONGEST), default=50, help="default: 50"
    )


def _choice(parser: Any) -> None:
    which = parser.add_mutually_exclusive_group(required=True)
    which.add_argument("ids", type=int, nargs="*", default=[], help="their numbers")
    which.add_argument("--group", default="", help="all open letters of a cause")
    which.add_argument("--queue", default="", help="all open letters of a queue")
    which.add_argument("--all", action="store_true", help="all open letters")
    parser.add_argument("--reason", default="", help="why; it is kept")


def _chosen(options: dict[str, Any]) -> QuerySet[DeadLetter]:
    letters = selectors.chosen(
        ids=options["ids"],
        group=options["group"],
        queue=options["queue"],
        everything=options["all"],
    )
    if not letters.exists():
        raise CommandError(
            "No such dead letter is there. See: manage.py dead list --groups"
        )
    return letters


def _require_all(options: dict[str, Any]) -> None:
    """Say at the end which numbers are nobody's: one may be mistyped."""
    known = selectors.chosen(ids=options["ids"]).values_list("pk", flat=True)
    if missing := sorted(set(options["ids"]) - set(known)):
        raise CommandError(f"There is no dead letter {_numbers(missing)}.")


def _numbers(ids: Iterable[int]) -> str:
    return ", ".join(map(str, ids))


def _require_known(queue: str) -> None:
    # A queue that a release has dropped may have letters still.
    ours = [one.name for one in CONSUMED]
    if queue in ("", *ours) or DeadLetter.objects.filter(queue=queue).exists():
        return
    raise CommandError(f"There is no queue {queue!r}. There are: {', '.join(ours)}")


def _reason(options: dict[str, Any]) -> str:
    reason: str = options["reason"].strip()
    if not reason:
        raise CommandError('Say why, for those who come after: --reason "fixed in 1.4"')
    return reason


# ---- how it looks
def _groups() -> Table:
    shown = Table(title="Open dead letters by cause")
    for title in ("group", "letters", "queue", "exception"):
        shown.add_column(title, no_wrap=True)
    for title in ("place", "last reason"):
        shown.add_column(title, overflow="fold")
    for group in selectors.groups():
        words = (group.cause, str(group.letters), group.queue, group.error)
        shown.add_row(*words, group.place, group.reason[:80])
    return shown


def _letters(letters: QuerySet[DeadLetter], limit: int) -> Table:
    shown = Table(title=f"{letters.count()} open dead letters")
    for title in ("id", "parked", "queue", "type"):
        shown.add_column(title, no_wrap=True)
    for title in ("order", "reason", "since"):
        shown.add_column(title, overflow="fold")
    for letter in selectors.with_history(letters)[:limit]:
        order = str(letter.order_id or "")
        shown.add_row(
            *(str(letter.pk), f"{localtime(letter.parked):%m-%d %H:%M:%S}"),
            *(letter.queue, letter.type, order, letter.reason[:80]),
            selectors.since(letter),
        )
    return shown


def _page(letter: DeadLetter) -> list[str]:
    fields = (*SHOWN, *TIMES)
    lines = [f"{letter.pk}: {letter.type or 'no event'} in {letter.queue}"]
    lines += [f"  {name}: {getattr(letter, name)}" for name in fields]
    lines += ["", selectors.pretty(letter.body), "", letter.traceback.rstrip()]
    lines += ["", services.change(letter)] if letter.original else []
    lines = [selectors.masked(line) for line in lines]
    lines += ["", "What happened since:"]
    lines += [
        f"  {one.at:%Y-%m-%d %H:%M:%S} {one.who}: {one.get_what_display()} {one.why}"
        for one in letter.actions.all()
    ] or ["  nothing"]
    if letter.order_id:
        lines += ["", f"Timeline of order {letter.order_id}:"]
    for event in selectors.timeline(letter.order_id):
        mark = ">" if event.id == letter.event_id else " "
        lines.append(f"{mark} {event.time:%Y-%m-%d %H:%M:%S.%f} {event.type}")
    return lines


def _rehearsed(letter: DeadLetter) -> tuple[str, list[str]]:
    try:
        found = rehearsal.rehearse(letter)
    except rehearsal.NotRehearsedError as error:
        return f"No dry run. {error}", []
    says = [f"says {one}" for one in found.says]
    return found.verdict, says + [f"writes {one}" for one in found.writes]
