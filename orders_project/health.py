"""What a load balancer asks: does the process live, and can it do its work?"""

from django.db import connection
from django.http import HttpRequest, HttpResponse, JsonResponse

from orders_project.errors import DATABASE_GONE, database_gone


def alive(request: HttpRequest) -> HttpResponse:  # noqa: ARG001 - Django's
    return JsonResponse({"status": "alive"})


def ready(request: HttpRequest) -> HttpResponse:
    """Answer 503 while the database is away. RabbitMQ is not needed to take orders."""
    try:
        with connection.cursor() as cursor:
            cursor.execute("SELECT 1")
    except DATABASE_GONE:
        return database_gone(request)
    return JsonResponse({"status": "ready"})
