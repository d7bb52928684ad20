"""Settings: everything that differs between machines comes from the environment.

A missing or wrong variable refuses to start and says how to set it.
"""

import sys
from pathlib import Path

from celery.schedules import crontab

from orders_project import environment as env
from orders_project.messaging import topology

BASE_DIR = Path(__file__).resolve().parent.parent

DEBUG = env.switch("DEBUG")
SECRET_KEY = env.secret("SECRET_KEY", debug=DEBUG)
SECRET_KEY_FALLBACKS = env.words("SECRET_KEY_FALLBACKS")
ALLOWED_HOSTS = env.words("ALLOWED_HOSTS", "127.0.0.1", "localhost")
CSRF_TRUSTED_ORIGINS = env.words("CSRF_TRUSTED_ORIGINS")

# ---- what a shop may want to change (times in seconds)
SHOP_NAME = env.text("SHOP_NAME", "Waybill")
CURRENCY = env.currency("CURRENCY", "USD")
GUEST_CHECKOUT = env.switch("GUEST_CHECKOUT")
CONFIRMATION_DELAY_SECONDS = env.number("CONFIRMATION_DELAY_SECONDS", 5)
# None: no simulated delivery, the parcel waits for a confirmation through the API. A
# real CARRIER needs it: its parcels, too, count as delivered after a number of seconds.
CARRIER_DELIVERY_SECONDS = env.seconds("CARRIER_DELIVERY_SECONDS", 0)
OUTGOING_DIR = Path(env.text("OUTGOING_DIR", str(BASE_DIR / ".run/outgoing")))
#: CSV files with a column sku: what load_catalogue sells and receive_stock stocks.
CATALOGUE_FILES = [
    BASE_DIR / "orders/demo/data/superstore_orders.csv",
    BASE_DIR / "orders/demo/data/documents_products.csv",
]
# None: an order waits for its payment for ever.
ORDER_EXPIRY_SECONDS = env.seconds("ORDER_EXPIRY_SECONDS", 24 * 60 * 60)
SWEEP_IDLE_SECONDS = env.number("SWEEP_IDLE_SECONDS", 300)
SWEEP_INTERVAL_SECONDS = env.number("SWEEP_INTERVAL_SECONDS", 60, least=1)
RECONCILE_HOUR = int(env.choice("RECONCILE_HOUR", map(str, range(24)), "3"))
RECONCILE_DAYS = env.number("RECONCILE_DAYS", 7)
# Longer than the longest retry rung: what waits there is on its way.
RECONCILE_GRACE_SECONDS = env.number("RECONCILE_GRACE_SECONDS", 900)

# ---- where things are
DATABASES = {"default": env.database("DATABASE_URL")}
AMQP_URL = env.url("AMQP_URL", "amqp", "amqps")
MANAGEMENT_URL = env.url(
    "MANAGEMENT_URL", "http", "https", default="http://127.0.0.1:15672"
)
# Read by topology.py, which is plain Python; a word that it does not know stops here.
QUEUE_TYPE = env.choice("QUEUE_TYPE", topology.SHAPES, "classic")

INSTALLED_APPS = [
    "orders_project",
    "django.contrib.admin",
    "django.contrib.auth",
    "django.contrib.contenttypes",
    "django.contrib.sessions",
    "django.contrib.messages",
    "whitenoise.runserver_nostatic",
    "django.contrib.staticfiles",
    "rest_framework",
    "django_filters",
    "knox",
    "axes",
    "drf_spectacular",
    "drf_spectacular_sidecar",
    "orders_project.messaging",
    "orders",
    "inventory",
    "payments",
    "shipping",
    "notifications",
    "audit",
]
MIDDLEWARE = [
    "django.middleware.security.SecurityMiddleware",
    "whitenoise.middleware.WhiteNoiseMiddleware",
    "orders_project.nul.refused",
    "django.contrib.sessions.middleware.SessionMiddleware",
    "django.middleware.common.CommonMiddleware",
    "django.middleware.csrf.CsrfViewMiddleware",
    "django.contrib.auth.middleware.AuthenticationMiddleware",
    "django.contrib.messages.middleware.MessageMiddleware",
    "django.middleware.clickjacking.XFrameOptionsMiddleware",
    "axes.middleware.AxesMiddleware",
]
AUTHENTICATION_BACKENDS = [
    "axes.backends.AxesStandaloneBackend",
    "django.contrib.auth.backends.ModelBackend",
]
AUTH_PASSWORD_VALIDATORS = [
    {"NAME": f"django.contrib.auth.password_validation.{name}"}
    for name in (
        "UserAttributeSimilarityValidator",
        "MinimumLengthValidator",
        "CommonPasswordValidator",
        "NumericPasswordValidator",
    )
]
DEFAULT_EXCEPTION_REPORTER_FILTER = "orders_project.hiding.WithoutAddresses"
ROOT_URLCONF = "orders_project.urls"
WSGI_APPLICATION = "orders_project.wsgi.application"
APPEND_SLASH = False
DEFAULT_AUTO_FIELD = "django.db.models.BigAutoField"
TEMPLATES = [
    {
        "BACKEND": "django.template.backends.django.DjangoTemplates",
        "DIRS": [BASE_DIR / "orders_project" / "templates"],
        "APP_DIRS": True,
        "OPTIONS": {
            "context_processors": [
                "django.template.context_processors.request",
                "django.contrib.auth.context_processors.auth",
                "django.contrib.messages.context_processors.messages",
            ],
        },
    },
]
USE_TZ = True
TIME_ZONE = "UTC"
LANGUAGE_CODE = "en"
STATIC_URL = "/static/"
# Served as they lie in the apps, so that no collectstatic is needed.
WHITENOISE_USE_FINDERS = True

# ---- safe unless DEBUG says that this is a developer's machine
SESSION_COOKIE_SECURE = CSRF_COOKIE_SECURE = env.switch("HTTPS")
SECURE_SSL_REDIRECT = env.switch("HTTPS")
SECURE_HSTS_SECONDS = env.number("HSTS_SECONDS", 0)
SECURE_HSTS_INCLUDE_SUBDOMAINS = SECURE_HSTS_PRELOAD = SECURE_HSTS_SECONDS > 0
SECURE_REDIRECT_EXEMPT = [r"^(healthz|readyz)/?$"]
DATA_UPLOAD_MAX_MEMORY_SIZE = 1024 * 1024
# So many proxies of ours stand in front, and each adds to X-Forwarded-For.
NUM_PROXIES = env.number("NUM_PROXIES", 0)
AXES_CLIENT_IP_CALLABLE = "orders_project.addresses.client_address"
AXES_FAILURE_LIMIT = 10
AXES_COOLOFF_TIME = 1
# Each token that is given out and back would leave sessions and a record behind, with
# name and address, that nobody prunes; and its client a cookie that opens nothing.
AXES_DISABLE_ACCESS_LOG = True
# Both together: by the name alone a stranger could lock out its owner, by the address
# alone one guest everybody behind the same router.
AXES_LOCKOUT_PARAMETERS = [["username", "ip_address"]]

REST_FRAMEWORK = {
    "DEFAULT_AUTHENTICATION_CLASSES": [
        "orders_project.authentication.TokenAuthentication",
        "rest_framework.authentication.SessionAuthentication",
    ],
    "DEFAULT_PERMISSION_CLASSES": ["rest_framework.permissions.IsAuthenticated"],
    "DEFAULT_PARSER_CLASSES": ["rest_framework.parsers.JSONParser"],
    "DEFAULT_RENDERER_CLASSES": ["rest_framework.renderers.JSONRenderer"],
    "DEFAULT_FILTER_BACKENDS": ["django_filters.rest_framework.DjangoFilterBackend"],
    "DEFAULT_SCHEMA_CLASS": "drf_spectacular.openapi.AutoSchema",
    "EXCEPTION_HANDLER": "orders_project.errors.problem_details",
}
SPECTACULAR_SETTINGS = {
    "TITLE": "Waybill",
    "DESCRIPTION": "Orders from the request to the door, none of them lost. Any call "
    "may also be answered 405 (with Allow) or 406, as application/problem+json.",
    "VERSION": "1",
    # Its schemas are JSON Schema, which is what msgspec writes of the bodies.
    "OAS_VERSION": "3.1.0",
    "SERVE_INCLUDE_SCHEMA": False,
    "SWAGGER_UI_DIST": "SIDECAR",
    "SWAGGER_UI_FAVICON_HREF": "SIDECAR",
}

# ---- the outside: each is a dotted path, and a real one is one file beside ours
PAYMENT_GATEWAY = env.text(
    "PAYMENT_GATEWAY", "payments.gateways.simulated.SimulatedGateway"
)
# How often a gateway that does not answer is asked: once more than there are rungs.
MOST_ATTEMPTS = len(topology.RUNGS) + 1
PAYMENT_MAX_ATTEMPTS = env.number(
    "PAYMENT_MAX_ATTEMPTS", MOST_ATTEMPTS, least=1, most=MOST_ATTEMPTS
)
SIMULATED_SLOW_SECONDS = env.number("SIMULATED_SLOW_SECONDS", 1)
CARRIER = env.text("CARRIER", "shipping.carriers.simulated.SimulatedCarrier")
SMS_SENDER = env.text("SMS_SENDER", "notifications.channels.files.SmsFiles")
EMAIL_BACKEND = env.text("EMAIL_BACKEND", "notifications.channels.files.EmailBackend")
EMAIL_HOST = env.text("EMAIL_HOST", "localhost")
EMAIL_PORT = env.number("EMAIL_PORT", 25, least=1, most=65_535)
EMAIL_HOST_USER = env.text("EMAIL_HOST_USER", "")
EMAIL_HOST_PASSWORD = env.text("EMAIL_HOST_PASSWORD", "")
EMAIL_USE_TLS = env.switch("EMAIL_USE_TLS")
EMAIL_USE_SSL = env.switch("EMAIL_USE_SSL")
if EMAIL_USE_TLS and EMAIL_USE_SSL:
    # Else Django would say so of each mail.
    env.refuse(
        "EMAIL_USE_SSL",
        "is on, and so is EMAIL_USE_TLS; a mail server takes one of both",
        "EMAIL_USE_SSL=false",
    )
EMAIL_TIMEOUT = 5  # without it a silent mail server would hold a worker for ever
DEFAULT_FROM_EMAIL = env.text("DEFAULT_FROM_EMAIL", "shop@waybill.example")

# ---- Celery. Each line was found by experiment: see docs/architecture.md.
CELERY_BROKER_URL = AMQP_URL
# None stands for the broker's name: unasked py-amqp takes a certificate of any name.
CELERY_BROKER_USE_SSL = AMQP_URL.startswith("amqps:") and {"server_hostname": None}
# A worker whose connection went silent only comes back with these two time-outs
# and a control queue that outlives its dead owner.
CELERY_BROKER_TRANSPORT_OPTIONS = {
    "confirm_publish": True,
    "read_timeout": 4,
    "write_timeout": 4,
}
# Two tries, each with a farewell, are four of these time-outs: they end before the soft
# time limit, which would cut off the return of a connection to its pool.
CELERY_TASK_PUBLISH_RETRY_POLICY = {"max_retries": 1, "interval_start": 0}
CELERY_CONTROL_QUEUE_EXCLUSIVE = False
CELERY_CONTROL_QUEUE_DURABLE = True
CELERY_BROKER_HEARTBEAT = 6
CELERY_BROKER_CONNECTION_TIMEOUT = 4
CELERY_BROKER_CONNECTION_RETRY_ON_STARTUP = True
CELERY_BROKER_CONNECTION_MAX_RETRIES = None
CELERY_BROKER_CHANNEL_ERROR_RETRY = True
CELERY_BROKER_POOL_ACQUIRE_TIMEOUT = 5
CELERY_TASK_SERIALIZER = "json"
CELERY_ACCEPT_CONTENT = ["json"]
CELERY_TASK_ACKS_LATE = True
CELERY_TASK_REJECT_ON_WORKER_LOST = True
CELERY_TASK_ACKS_ON_FAILURE = CELERY_TASK_ACKS_ON_TIMEOUT = True
# A chain of an urgent order stays urgent after its first step.
CELERY_TASK_INHERIT_PARENT_PRIORITY = True
CELERY_TASK_IGNORE_RESULT = True  # no result backend: the database is the record
CELERY_TASK_CREATE_MISSING_QUEUES = False  # a typo fails instead of making a queue
CELERY_TASK_QUEUES = topology.CONSUMED
CELERY_TASK_ROUTES = {
    # All three: with the queue alone Celery would go through the default exchange.
    name: {
        "queue": queue.name,
        "exchange": queue.exchange.name,
        "routing_key": queue.routing_key,
    }
    for name, queue in topology.TASK_ROUTES.items()
}
CELERY_TASK_DEFAULT_QUEUE = topology.MESSAGING_TASKS.name
CELERY_TASK_DEFAULT_EXCHANGE = topology.TASK_EXCHANGE.name
CELERY_TASK_SOFT_TIME_LIMIT, CELERY_TASK_TIME_LIMIT = 20, 30
CELERY_WORKER_CONSUMER = "orders_project.messaging.worker.consumer:EventConsumer"
# Messages in hand per pool slot: enough to form a batch, few enough that an urgent
# order, which the broker puts first, does not wait behind what was fetched before. To
# Celery 0 means all there is.
CELERY_WORKER_PREFETCH_MULTIPLIER = env.number("PREFETCH", 16, least=1, most=1_000)
CELERY_WORKER_ENABLE_PREFETCH_COUNT_REDUCTION = False
CELERY_WORKER_CANCEL_LONG_RUNNING_TASKS_ON_CONNECTION_LOSS = True
CELERY_WORKER_MAX_TASKS_PER_CHILD = 20_000
CELERY_WORKER_MAX_MEMORY_PER_CHILD = 250_000
CELERY_WORKER_SEND_TASK_EVENTS = True
CELERY_WORKER_HIJACK_ROOT_LOGGER = False
# Without it Celery opens a database connection anew for every task.
CELERY_DB_REUSE_MAX = 1_000_000
CELERY_BEAT_SCHEDULE = {
    # None expires: the broker would park it with the dead letters. Of those that pile
    # up while a worker is away the first finds work, the others next to none.
    task: {"task": task, "schedule": float(every)}
    for task, every in {
        "orders.tasks.sweep": SWEEP_INTERVAL_SECONDS,
        "orders.tasks.expire": SWEEP_INTERVAL_SECONDS,
        "payments.tasks.resume": SWEEP_INTERVAL_SECONDS,
        "shipping.tasks.resume": SWEEP_INTERVAL_SECONDS,
        "notifications.tasks.resume": SWEEP_INTERVAL_SECONDS,
        "messaging.tidy": 60,
        "orders.tasks.prune": 3600,
        "messaging.prune": 3600,
    }.items()
} | {
    "orders_project.tasks.reconcile": {
        "task": "orders_project.tasks.reconcile",
        "schedule": crontab(hour=RECONCILE_HOUR, minute=17),
    }
}
# What a scraper of /metrics must show; without one there is no such page.
METRICS_TOKEN = env.text("METRICS_TOKEN")
# Parcels that may wait for the broker; beyond it the API takes no new orders.
OUTBOX_LIMIT = env.number("OUTBOX_LIMIT", 100_000, least=1)
# From a day: what is young comes again as a matter of course, after a lost connection
# or a lost broker, and the inbox is what drops it at no cost.
RETENTION_DAYS = env.number("RETENTION_DAYS", 90, least=1)

LOG_LEVEL = env.choice("LOG_LEVEL", ("DEBUG", "INFO", "WARNING", "ERROR"), "INFO")
LOGGING = {
    "version": 1,
    "disable_existing_loggers": False,
    "formatters": {
        "line": {"format": "%(asctime)s %(levelname)s %(name)s: %(message)s"},
    },
    "handlers": {
        "stderr": {
            "class": "logging.StreamHandler",
            "formatter": "line",
            "stream": sys.stderr,
        },
    },
    "root": {"handlers": ["stderr"], "level": LOG_LEVEL},
    "loggers": {
        # Two lines for every task would be a log nobody reads.
        "axes": {"level": "WARNING"},
        "celery.app.trace": {"level": "WARNING"},
        "celery.worker.strategy": {"level": "WARNING"},
        # Else Django prints each line itself, too, where DEBUG is on.
        "django": {"handlers": [], "level": "INFO"},
    },
}
