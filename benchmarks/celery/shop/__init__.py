"""What a team writes with Django and Celery: a chain of tasks for each order."""

from shop.celery import app

__all__ = ["app"]
