"""Every process of the application and every queue's worker.

Local systems and docker-compose.yml share this table; tests/local/ compares them. A
cluster runs one worker service per stage, so that each scales alone; a machine with two
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
#: Pool processes: gateways, carriers and mail servers are slow, and who waits for them
#: is not to hold up what is beside it on the same worker: with one for all that a
#: parcel needs, an urgent order took up to 3.5 s in a full system instead of 1.9. And
#: every event there is is recorded, which one process ended seconds after the orders,
#: with a core idle.
CONCURRENCY = {
    "audit": 2,
    "payment-chains": 2,
    "payment-prepaid": 2,
    "shipping": 2,
    "notifications": 2,
    "email": 2,
}
#: Messages in hand for each of them, where a batch is what comes in half a second
#: (worker/pace.py): sixteen, as elsewhere, made so many small ones that mails piled
#: up.
PREFETCH = dict.fromkeys(("audit", "analytics", "email", "sms", "notifications"), 64)
#: Where all share a core, a customer who waits comes before an order that is carried:
#: without it 300 POST a second took 7 s each. Mails are not nicer still: their share
#: would be what small batches of the others leave, which is next to nothing.
NICE = 10
#: Nobody waits for what is recorded, and its two processes catch up where the others
#: leave something: with no less weight they made a POST half as slow again.
NICER = {"worker-audit": 16}


@dataclass(frozen=True)
class Process:
    """A program of the application; where it runs fills in {web}, {folder} and such."""

    name: str
    command: str
    queues: tuple[str, ...] = ()
    stop_signal: str = "TERM"


WEB = Process("web", "gunicorn --bind {web}")
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
    """A worker for each stage, as docker-compose.yml runs them."""
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
    if name in PREFETCH:
        command += f" --prefetch-multiplier {PREFETCH[name]}"
    return Process(f"worker-{name}", command, queues)


def _niced(worker: Process) -> Process:
    nice = NICER.get(worker.name, NICE)
    return replace(worker, command=f"nice -n {nice} {worker.command}")
