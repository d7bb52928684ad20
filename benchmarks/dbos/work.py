"""A process that carries what is on the queue."""

import threading

from dbos import DBOS
from shop import CONFIG

DBOS(config=CONFIG)
DBOS.launch()
threading.Event().wait()
