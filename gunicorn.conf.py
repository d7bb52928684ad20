"""How the web server runs; gunicorn reads this in the folder it starts in."""

import os

wsgi_app = "orders_project.wsgi"
worker_class = "gthread"
workers, threads = 2, 16
#: It would be one file in $HOME for all web servers of a machine, to stop any of them.
control_socket_disable = True
#: Seconds for the requests under way; deploy/local and Docker kill after 10.
graceful_timeout = 7


def post_fork(_server: object, _worker: object) -> None:
    """Give each process a session of its own.

    On one machine Linux shares the processors out by session (`sched_autogroup_enabled`
    in sched(7)), and each connection of PostgreSQL is one. All that a supervisor starts
    would together get as much as one of them, and customers wait three times as long.
    """
    os.setsid()
