"""The tables of the messaging core: the log, the parcels, the inbox, the dead."""

from django.contrib.postgres.functions import RandomUUID
from django.contrib.postgres.indexes import BrinIndex
from django.db import models
from django.db.models.functions import Now


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

    An event's parcel takes its body from the log; a Celery task's carries its own.
    """

    exchange = models.TextField()
    routing_key = models.TextField()
    priority = models.SmallIntegerField()
    due = models.DateTimeField(db_default=Now())
    headers = models.TextField(db_default="{}")
    properties = models.TextField(db_default="{}")
    event = models.ForeignKey(
        LoggedEvent, models.CASCADE, null=True, db_constraint=False, db_index=False
    )
    body = models.TextField(null=True)

    class Meta:
        db_table = "messaging_parcel"
        indexes = (models.Index(fields=("-priority", "id"), name="parcel_in_order"),)

    def __str__(self) -> str:
        return f"{self.routing_key} for {self.exchange}"


class Inbox(models.Model):
    """An event that a queue has handled: the second copy is dropped."""

    pk = models.CompositePrimaryKey("queue", "event_id")
    queue = models.TextField()
    event_id = models.UUIDField()
    handled = models.DateTimeField(db_default=Now(), db_index=True)

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
        indexes = (
            BrinIndex(fields=("at",), name="nudges_by_time", autosummarize=True),
        )

    def __str__(self) -> str:
        return f"{self.what} of {self.order_id} again, by {self.by}"


class DeadLetter(models.Model):
    """A message that was parked, for the people who look after it."""

    queue = models.TextField(db_index=True)
    type = models.TextField(blank=True)
    event_id = models.TextField(blank=True)
    order_id = models.TextField(blank=True, db_index=True)
    reason = models.TextField()
    exception = models.TextField(blank=True)
    traceback = models.TextField(blank=True)
    attempts = models.IntegerField(default=1)
    first_failure = models.DateTimeField(null=True)
    last_failure = models.DateTimeField(null=True)
    body = models.BinaryField()
    headers = models.JSONField(default=dict)
    parked = models.DateTimeField(db_default=Now(), db_index=True)

    class Meta:
        db_table = "messaging_deadletter"
        ordering = ("-id",)

    def __str__(self) -> str:
        return f"{self.type or 'message'} of {self.queue}: {self.reason}"
