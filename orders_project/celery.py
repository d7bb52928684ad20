"""The Celery application. Its settings are the `CELERY_` lines of settings.py.

Each app's tasks.py is found by the messaging app as Django starts.
"""

import os

from celery import Celery
from celery.signals import worker_init

from orders_project.messaging.plans import find_rows_by_key

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "orders_project.settings")

app = Celery("waybill")
app.config_from_object("django.conf:settings", namespace="CELERY")
worker_init.connect(find_rows_by_key)
