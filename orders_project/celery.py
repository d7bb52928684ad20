"""The Celery application. Its settings are the `CELERY_` lines of settings.py.

Each app's tasks.py is found by the messaging app as Django starts.
"""

import os

from celery import Celery

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "orders_project.settings")

app = Celery("waybill")
app.config_from_object("django.conf:settings", namespace="CELERY")
