"""What this app does when it hears something, and how the messages go out."""

from collections.abc import Sequence

from celery import shared_task

from notifications import delivery, services, sweeping
from orders_project.messaging.events import Event
from orders_project.messaging.hearing import hears
from orders_project.messaging.steps import step
from orders_project.messaging.topology import EMAIL_QUEUE, SMS_QUEUE


@hears(*services.MILESTONES, on=EMAIL_QUEUE, inbox=False)
def note_emails(events: Sequence[Event]) -> None:
    """Note one mail for each milestone of an order."""
    services.note(services.EMAIL, events)


@hears(*services.MILESTONES, on=SMS_QUEUE, inbox=False)
def note_text_messages(events: Sequence[Event]) -> None:
    """Note one text message for each milestone of an order."""
    services.note(services.SMS, events)


@step
def deliver(channels: Sequence[str]) -> Sequence[str]:
    """Send what is due on these channels; its step's ids are the channels' names."""
    for channel in channels:
        delivery.deliver(channel)
    return ()


@shared_task(name="notifications.tasks.resume")
def resume() -> int:
    """Send what waits too long: a broker may have lost its step, or its address."""
    return sweeping.resume_idle()
