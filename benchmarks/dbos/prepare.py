"""The tables of DBOS and the queue."""

from dbos import DBOSClient, run_dbos_database_migrations
from shop import AT_WORK, CONFIG, QUEUE, URL

run_dbos_database_migrations(URL)
client = DBOSClient(system_database_url=URL, application_name=CONFIG["name"])
# A tenth of a second: with the default of one, fast workers are idle between two looks.
client.register_queue(QUEUE, worker_concurrency=AT_WORK, polling_interval_sec=0.1)
