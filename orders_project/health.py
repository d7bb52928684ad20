"""What a load balancer asks: does the process live, and can it do its work?"""

from django.conf import settings
from django.http import HttpRequest, HttpResponse, JsonResponse

from orders_project.errors import DATABASE_GONE, database_gone
from orders_project.messaging import backlog


def alive(request: HttpRequest) -> HttpResponse:  # noqa: ARG001 - Django's
    return JsonResponse({"status": "alive"})


def ready(request: HttpRequest) -> HttpResponse:
    """Answer 503 while the database is away. RabbitMQ is not needed to take orders.

    Also a server that takes no new orders is ready: all else goes on.
    """
    try:
        takes_orders = not backlog.look(settings.OUTBOX_LIMIT)
    except DATABASE_GONE:
        return database_gone(request)
    return JsonResponse({"status": "ready", "takes_orders": takes_orders})
