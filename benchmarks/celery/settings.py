"""Django's settings, for its database and its ORM alone."""

import os
from urllib.parse import urlsplit

_url = urlsplit(os.environ["DATABASE_URL"])
DATABASES = {
    "default": {
        "ENGINE": "django.db.backends.postgresql",
        "NAME": _url.path[1:],
        "USER": _url.username,
        "PASSWORD": _url.password,
        "HOST": _url.hostname,
        "PORT": _url.port,
        "CONN_MAX_AGE": None,
    }
}
INSTALLED_APPS = ["shop"]
USE_TZ = True

CELERY_BROKER_URL = os.environ["AMQP_URL"]
CELERY_BROKER_TRANSPORT_OPTIONS = {"confirm_publish": True}
CELERY_TASK_ACKS_LATE = True
CELERY_TASK_REJECT_ON_WORKER_LOST = True
CELERY_TASK_IGNORE_RESULT = True
CELERY_TASK_DEFAULT_QUEUE = "shop"
CELERY_WORKER_PREFETCH_MULTIPLIER = 8
# Otherwise every task opens a database connection of its own.
CELERY_DB_REUSE_MAX = 1_000_000
