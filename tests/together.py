"""Several things at the same moment, each over a database connection of its own."""

from concurrent.futures import ThreadPoolExecutor
from threading import Barrier

from django.db import connection


def at_once(*works):
    """Run functions in threads that begin together; raises what one of them raises."""
    barrier = Barrier(len(works))

    def run(work):
        try:
            barrier.wait(timeout=10)
            work()
        finally:
            connection.close()

    with ThreadPoolExecutor(len(works)) as pool:
        return [
            future.result() for future in [pool.submit(run, work) for work in works]
        ]
