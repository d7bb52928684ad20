"""As Celery's documentation has it: First steps with Django."""

import os

from celery import Celery

os.environ["DJANGO_SETTINGS_MODULE"] = "settings"
app = Celery("shop")
app.config_from_object("django.conf:settings", namespace="CELERY")
app.autodiscover_tasks()
