"""The tables that nothing is lost and nothing done twice by."""

import tables

SCHEMA = """
    CREATE TABLE log (
        id uuid PRIMARY KEY,
        order_id uuid NOT NULL,
        type text NOT NULL,
        body text NOT NULL
    );
    CREATE TABLE outbox (
        id bigserial PRIMARY KEY,
        type text NOT NULL,
        event_ids uuid[] NOT NULL
    );
    CREATE TABLE inbox (
        queue text NOT NULL,
        event_id uuid NOT NULL,
        PRIMARY KEY (queue, event_id)
    );
"""

with tables.connect() as database, database.cursor() as cursor:
    cursor.execute(SCHEMA)
