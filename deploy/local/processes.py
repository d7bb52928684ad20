"""Every process of the application and every queue's worker.

Local systems and docker-compose.yml share this table; tests/local/ compares them. A
cluster runs one worker service per queue, so that each scales alone; a machine with two
cores runs fewer workers that hear more queues each.
"""

from dataclasses import dataclass, replace

#: queue -> the worker that hears it on one machine, the service that hears it in
#: docker-compose.yml
WORKERS = {
    "order.queue": ("order", "order"),
    "failed.order.queue": ("order", "failed-order"),
    "inventory.queue": ("inventory", "inventory"),
    "payment.queue": ("payment", "payment"),
    "payment.prepaid.queue": ("payment-chains", "payment-prepaid"),
    "payment.cod.queue": ("payment-chains", "payment-cod"),
    "payment.rpc.queue": ("payment-rpc", "payment-rpc"),
    "shipping.queue": ("shipping", "shipping"),
    "shipping.tasks": ("shipping", "shipping"),
    "email.queue": ("notifications", "email"),
    "sms.queue": ("notifications", "sms"),
    "notifications.tasks": ("notifications", "email"),
    "audit.queue": ("audit", "audit"),
    "analytics.queue": ("audit", "analytics"),
    "dead.desk.queue": ("audit", "dead-desk"),
    "order.tasks": ("order", "order"),
    # Reconciling may take many minutes of the night: only what can wait is beside it.
    "messaging.tasks": ("messaging", "messaging"),
}
#: Pool processes; the gateway is slow, and its chains wait for it.
CONCURRENCY = {"payment-chains": 2, "payment-prepaid": 2}
#: Where all share a core, a customer who waits comes before an order that is carried,
#: and that before its e-mail. Without it 300 POST a second took 7 s each.
NICE, MAIL_NICE = 10, 19


@dataclass(frozen=True)
class Process:
    """A program of the application; where it runs fills in {web}, {folder} and such."""

    name: str
    command: str
    queues: tuple[str, ...] = ()
    stop_signal: str = "TERM"


WEB = Process(
    "web",
    "gunicorn orders_project.wsgi --worker-class gthread --workers 2 --threads 16"
    " --graceful-timeout 7 --bind {web}",
)
RELAY = Process("relay", "python manage.py relay")
BEAT = Process("beat", "celery -A orders_project beat -s {folder}/beat-schedule")
FLOWER = Process(
    "flower",
    "celery -A orders_project flower --address={flower_address} --port={flower_port}",
    # It holds nothing, and would wait for a broker that does not answer.
    stop_signal="KILL",
)


def local_workers() -> list[Process]:
    """The few workers of one machine."""
    return [_niced(worker) for worker in _workers(column=0)]


def cluster_workers() -> list[Process]:
    """A worker for each queue, as docker-compose.yml runs them."""
    return _workers(column=1)


def _workers(column: int) -> list[Process]:
    queues: dict[str, list[str]] = {}
    for queue, names in WORKERS.items():
        queues.setdefault(names[column], []).append(queue)
    return [_worker(name, tuple(heard)) for name, heard in queues.items()]


def _worker(name: str, queues: tuple[str, ...]) -> Process:
    command = (
        "celery -A orders_project worker"
        f" -Q {','.join(queues)} -c {CONCURRENCY.get(name, 1)}"
        f" -O fair --without-gossip --without-mingle -n {name}@%h"
    )
    return Process(f"worker-{name}", command, queues)


def _niced(worker: Process) -> Process:
    nice = MAIL_NICE if worker.name == "worker-notifications" else NICE
    return replace(worker, command=f"nice -n {nice} {worker.command}")
