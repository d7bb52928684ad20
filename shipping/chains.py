"""Which Celery tasks follow one another."""

from orders_project.messaging.chains import Chains

CHAINS = Chains(
    "shipping.tasks",
    {
        "preparation": ("prepare",),
        "dispatch": ("hand_over",),
        "delivery": ("deliver",),
    },
)
