"""Store a hundred orders at once, and say that they were created."""

import rows
import saying
import tables

database = tables.connect()
for batch in rows.batches():
    with database, database.cursor() as cursor:
        rows.store(cursor, batch)
        saying.say(cursor, "order.created", batch)
    saying.wake_relay(database)
