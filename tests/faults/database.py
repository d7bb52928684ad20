"""F4: the database goes away, and comes back."""

import time

from tests.faults.run import Run


def the_database_restarts(run: Run) -> None:
    """Stop PostgreSQL at once every 5 to 20 s, and leave it away for 0 to 5 s.

    Customers may be told 503, and when to come back; nothing else.
    """
    while run.ordering:
        run.pause(run.rng.uniform(5, 20))
        away = run.mark("PostgreSQL stopped at once")
        run.rig.halt("postgres")
        run.pause(run.rng.uniform(0, 5))
        run.rig.run("postgres")
        run.rig.wait_for("postgres")
        run.mark("PostgreSQL is back")
        run.recovers(within=10)
        run.await_recovery()
        wrong = set(run.answers(away, time.time())) - {201, 503}
        run.complain(*(f"A customer was answered {what}." for what in wrong))
