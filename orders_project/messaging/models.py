"""The tables of the messaging core: the log, the parcels, the inbox, the dead."""

from django.contrib.postgres.fields import ArrayField
from django.contrib.postgres.functions import RandomUUID
from django.db import models
from django.db.models.functions import Now

from orders_project.messaging.events import URGENT

IS_URGENT = models.ExpressionWrapper(
    models.Q(priority__gte=URGENT), output_field=models.BooleanField()
)


class LoggedEvent(models.Model):
    """An event that was said. Append-only: it is the timeline and can be sent again.

    `body` is the CloudEvent as JSON text, byte for byte what goes on the wire.
    """

    id = models.UUIDField(primary_key=True)
    order_id = models.UUIDField(db_index=True)
    type = models.TextField()
    time = models.DateTimeField()
    cause = models.UUIDField(null=True)
    body = models.TextField()

    class Meta:
        db_table = "messaging_event"
        ordering = ("time", "id")
        verbose_name = "event"

    def __str__(self) -> str:
        return f"{self.type} of {self.order_id}"


class Parcel(models.Model):
    """What still has to go to the broker. The relay deletes it after the confirm.

    Of events of one kind that were said together it holds the ids, and their bodies
    are in the log; a Celery task's parcel carries its own body.
    """

    exchange = models.TextField()
    routing_key = models.TextField()
    priority = models.SmallIntegerField()
    due = models.DateTimeField(db_default=Now())
    headers = models.TextField(db_default="{}")
    properties = models.TextField(db_default="{}")
    event_ids = ArrayField(models.UUIDField(), null=True)
    body = models.TextField(null=True)

    class Meta:
        db_table = "messaging_parcel"
        # Those that are due are its beginning, twice: see backlog.due.
        indexes = (models.Index(IS_URGENT, "due", "id", name="parcel_in_turn"),)

    def __str__(self) -> str:
        return f"{self.routing_key} for {self.exchange}"


class Inbox(models.Model):
    """An event that a queue has handled: the second copy is dropped."""

    pk = models.CompositePrimaryKey("queue", "event_id")
    queue = models.TextField()
    event_id = models.UUIDField()
    handled = models.DateTimeField(db_default=Now())

    class Meta:
        db_table = "messaging_inbox"

    def __str__(self) -> str:
        return f"{self.event_id} in {self.queue}"


class Attempt(models.Model):
    """How often an event came back because its worker died while handling it."""

    pk = models.CompositePrimaryKey("queue", "event_id")
    queue = models.TextField()
    event_id = models.UUIDField()
    count = models.SmallIntegerField()
    at = models.DateTimeField(db_default=Now())

    class Meta:
        db_table = "messaging_attempt"

    def __str__(self) -> str:
        return f"{self.event_id} in {self.queue}, {self.count} times"


class Work(models.Model):
    """One line for each batch a worker ran: what `manage.py stats` adds up."""

    queue = models.TextField()
    at = models.DateTimeField(db_default=Now(), db_index=True)
    outcome = models.TextField()
    events = models.IntegerField()

    class Meta:
        db_table = "messaging_work"

    def __str__(self) -> str:
        return f"{self.events} {self.outcome} in {self.queue}"


class Nudge(models.Model):
    """An order's events were sent again, or a chain of its was started again."""

    id = models.UUIDField(primary_key=True, db_default=RandomUUID())
    order_id = models.UUIDField(db_index=True)
    what = models.TextField(help_text="events, or the name of a chain")
    by = models.TextField(help_text="the sweeper, the reconciler, or a person")
    at = models.DateTimeField(db_default=Now())

    class Meta:
        db_table = "messaging_nudge"
        ordering = ("at", "id")
        indexes = (models.Index(fields=("at",), name="nudges_in_time"),)

    def __str__(self) -> str:
        return f"{self.what} of {self.order_id} again, by {self.by}"


class DeadLetter(models.Model):
    """What could not be handled, for the people who look after it.

    One row for each event (or step) and queue, however often it dies there. `body` is
    what a replay sends, `original` what died, once somebody has edited it. `copies` is
    how many messages of it lie in dead.letter.queue.
    """

    class Kind(models.TextChoices):
        EVENT = "event"
        STEP = "step", "step of a chain"
        RAW = "raw", "no event"

    class Status(models.TextChoices):
        OPEN = "open"
        REPLAYING = "replaying"
        DONE = "done", "handled by a replay"
        APPLIED = "applied", "was handled meanwhile"
        DISCARDED = "discarded"

    queue = models.TextField()
    identity = models.TextField()
    kind = models.TextField(choices=Kind)
    status = models.TextField(choices=Status, default=Status.OPEN)
    since = models.DateTimeField(db_default=Now())
    type = models.TextField(blank=True)
    event_id = models.UUIDField(null=True)
    order_id = models.UUIDField(null=True, db_index=True)
    priority = models.SmallIntegerField()
    reason = models.TextField()
    exception = models.TextField(blank=True)
    error = models.TextField("exception's type", blank=True)
    place = models.TextField(blank=True)
    cause = models.TextField()
    traceback = models.TextField(blank=True)
    attempts = models.IntegerField(default=1)
    deaths = models.IntegerField(default=1)
    copies = models.IntegerField(default=1)
    first_failure = models.DateTimeField(null=True)
    last_failure = models.DateTimeField(null=True)
    parked = models.DateTimeField(db_default=Now(), db_index=True)
    body = models.BinaryField()
    original = models.BinaryField(null=True)
    headers = models.JSONField(default=dict)

    class Meta:
        db_table = "messaging_deadletter"
        ordering = ("-id",)
        constraints = (
            models.UniqueConstraint(
                fields=("queue", "identity"), name="one_letter_per_queue"
            ),
        )
        indexes = (
            models.Index(fields=("status", "id"), name="letter_by_status"),
            models.Index(fields=("status", "queue", "id"), name="letter_by_queue"),
            models.Index(fields=("status", "cause", "id"), name="letter_by_cause"),
            models.Index(
                fields=("id",), name="letter_in_queue", condition=models.Q(copies__gt=0)
            ),
        )

    def __str__(self) -> str:
        return f"{self.type or 'message'} of {self.queue}: {self.reason}"


class DeadLetterAction(models.Model):
    """What was done to a dead letter, or what became of it: when, by whom, and why."""

    class What(models.TextChoices):
        EDITED = "edited"
        REPLAYED = "replayed"
        DISCARDED = "discarded"
        RETRIED = "retried", "waits on a retry rung"
        DONE = "done", "handled"
        APPLIED = "applied", "was handled meanwhile"
        DIED = "died", "died again"

    letter = models.ForeignKey(DeadLetter, models.CASCADE, related_name="actions")
    at = models.DateTimeField(db_default=Now())
    who = models.TextField()
    what = models.TextField(choices=What)
    why = models.TextField(blank=True)
    change = models.TextField(blank=True)

    class Meta:
        db_table = "messaging_deadletteraction"
        ordering = ("id",)

    def __str__(self) -> str:
        return f"{self.get_what_display()} by {self.who}"
