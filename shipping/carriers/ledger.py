"""The simulated carrier's own books: its table, and nothing of ours.

It stands in our database only because the simulator has no other; it is written in
statements of its own, as the books of a real carrier would be.
"""

from django.contrib.postgres.indexes import BrinIndex
from django.db import models
from django.db.models.functions import Now


class CarrierParcel(models.Model):
    """A parcel as the carrier knows it: booked, and `taken` once it was handed over."""

    order_id = models.UUIDField(primary_key=True)
    tracking = models.TextField()
    booked = models.DateTimeField(db_default=Now())
    # No index on it: then taking a parcel stays within its page.
    taken = models.DateTimeField(null=True)

    class Meta:
        db_table = "carrier_parcel"
        indexes = (
            BrinIndex(fields=("booked",), name="booked_by_time", autosummarize=True),
        )

    def __str__(self) -> str:
        return f"{self.tracking} of {self.order_id}"
