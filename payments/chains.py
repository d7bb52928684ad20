"""Which Celery tasks follow one another."""

from orders_project.messaging.chains import Chains

#: A payment's own chain has the name of its method; the others finish or undo it.
CHAINS = Chains(
    "payments.tasks",
    {
        "prepaid": ("authorise", "capture"),
        "cod": ("accept",),
        "collection": ("collect",),
        "refund": ("refund",),
    },
)
