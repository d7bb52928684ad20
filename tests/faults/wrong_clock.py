"""Celery by a wrong clock, as in `python -m tests.faults.wrong_clock 3600 worker`.

The clock of date and time alone; that which measures waiting is right.
"""

import sys
from datetime import UTC, datetime, timedelta

import time_machine
from celery.__main__ import main

if __name__ == "__main__":
    wrong_by = timedelta(seconds=float(sys.argv.pop(1)))
    time_machine.travel(datetime.now(UTC) + wrong_by, tick=True).start()
    sys.exit(main())
