"""Write the rows of every message, one transaction each, then acknowledge it."""

import sys

import bus
import handlers
import msgspec
import tables

DECODER = msgspec.json.Decoder(list[handlers.Event])
RAW = msgspec.json.Decoder(list[msgspec.Raw])


def work(queue, message):
    events = DECODER.decode(message.body)
    bodies = RAW.decode(message.body) if queue == "audit" else ()
    handle = handlers.of(queue, message.delivery_info["routing_key"])
    with database, database.cursor() as cursor:
        handle(cursor, events, bodies)
    message.channel.basic_ack(message.delivery_tag)


database = tables.connect()
bus.consume(sys.argv[1:], work)
