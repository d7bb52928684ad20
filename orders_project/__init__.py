"""The Django project of Waybill: settings, URLs, and the wiring between the apps."""

from orders_project.celery import app as celery_app

__all__ = ("celery_app",)
