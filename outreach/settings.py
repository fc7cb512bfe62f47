"""One flat settings file; the environment is the only switch (every variable is listed in .env.example)."""

import re
from pathlib import Path

import environ
import pghistory
import structlog
from csp.constants import NONE, SELF
from django.core.exceptions import ImproperlyConfigured
from redis.connection import parse_url

from outreach import schedule

env = environ.Env()
BASE_DIR = Path(__file__).resolve().parent.parent

VERSION = re.search(r"^## (\d\S*)", (BASE_DIR / "CHANGELOG.md").read_text(), re.MULTILINE)[1]  # type: ignore[index]

# --- Secrets. `embedded.provide()` makes them for a local installation; a server sets them. ---
SECRET_KEY = env.str("SECRET_KEY")
FIELD_ENCRYPTION_KEYS = env.list("FIELD_ENCRYPTION_KEYS")  # first encrypts, all decrypt
INSTALLATION_KEY = env.str("INSTALLATION_KEY")  # keys identity hashes, Message-IDs and mailed links; never changes

# --- Where things are ---
DATA_DIR = Path(env.str("DATA_DIR", default=str(BASE_DIR / ".data")))
SAFETY_DIR = Path(env.str("SAFETY_DIR", default=str(DATA_DIR / "safety")))  # never restored with the database
PUBLIC_URL = env.str("PUBLIC_URL", default=f"http://127.0.0.1:{env.str('PORT', default='') or 8000}").rstrip("/")
REDIS_URL = env.str("REDIS_URL")
try:
    _database = env.db_url("DATABASE_URL") if re.match("postgres(ql)?://", env.str("DATABASE_URL")) else {}
except ValueError:
    _database = {}  # told below, without what was said: a password stands in it
if not _database.get("NAME"):
    raise ImproperlyConfigured("DATABASE_URL is no PostgreSQL database: write postgres://user:password@host:5432/name")
try:
    parse_url(REDIS_URL)  # type: ignore[no-untyped-call]
except ValueError:
    raise ImproperlyConfigured("REDIS_URL is no Redis: write redis://host:6379/0 or unix:///path?db=0") from None
DATABASES = {
    "default": {
        **_database,
        "CONN_MAX_AGE": env.int("CONN_MAX_AGE", default=60),
        "CONN_HEALTH_CHECKS": True,
        "ENGINE": "django.db.backends.postgresql",
        "ATOMIC_REQUESTS": False,
    }
}
DEFAULT_AUTO_FIELD = "django.db.models.BigAutoField"
CACHES = {
    "default": {
        "BACKEND": "outreach.lib.cache.ForgivingRedisCache",
        "LOCATION": REDIS_URL,
        "KEY_PREFIX": "outreach",
        "OPTIONS": {"socket_timeout": 2, "socket_connect_timeout": 2},
    }
}

# --- Web ---
DEBUG = env.bool("DEBUG", default=False)
ALLOWED_HOSTS = env.list("ALLOWED_HOSTS", default=["localhost", "127.0.0.1", "[::1]"])
CSRF_TRUSTED_ORIGINS = env.list("CSRF_TRUSTED_ORIGINS", default=[])
BEHIND_TLS = env.bool("BEHIND_TLS", default=PUBLIC_URL.startswith("https://"))
SESSION_COOKIE_SECURE = CSRF_COOKIE_SECURE = BEHIND_TLS
SECURE_HSTS_SECONDS = 31_536_000 if BEHIND_TLS else 0
SECURE_REFERRER_POLICY = "same-origin"
TRUST_PROXY = env.bool("TRUST_PROXY", default=False)
SECURE_PROXY_SSL_HEADER = ("HTTP_X_FORWARDED_PROTO", "https") if TRUST_PROXY else None
X_FRAME_OPTIONS = "DENY"
DATA_UPLOAD_MAX_MEMORY_SIZE = 10 * 1024 * 1024
ROOT_URLCONF = "outreach.urls"
WSGI_APPLICATION = "outreach.wsgi.application"
INSTALLED_APPS = [
    "unfold.apps.BasicAppConfig",
    "unfold.contrib.filters",
    "unfold.contrib.forms",
    "unfold.contrib.import_export",
    "outreach.office.apps.OfficeConfig",
    "django.contrib.auth",
    "django.contrib.contenttypes",
    "django.contrib.sessions",
    "django.contrib.messages",
    "django.contrib.staticfiles",
    "django.contrib.postgres",
    "rest_framework",
    "django_filters",
    "django_htmx",
    "import_export",
    "drf_spectacular",
    "drf_spectacular_sidecar",
    "django_celery_beat",
    "django_prometheus",
    "django_structlog",
    "pgtrigger",
    "pghistory",
    "outreach",
    "accounts",
    "integrations",
    "templates",
    "prospects",
    "campaigns",
]
MIDDLEWARE = [
    "django_prometheus.middleware.PrometheusBeforeMiddleware",
    "django.middleware.security.SecurityMiddleware",
    "django.middleware.gzip.GZipMiddleware",  # static files too; tokens in pages are masked, which BREACH needs
    "whitenoise.middleware.WhiteNoiseMiddleware",
    "django.contrib.sessions.middleware.SessionMiddleware",
    "django.middleware.common.CommonMiddleware",
    "django.middleware.csrf.CsrfViewMiddleware",
    "django.contrib.auth.middleware.AuthenticationMiddleware",
    "pghistory.middleware.HistoryMiddleware",
    "django.contrib.messages.middleware.MessageMiddleware",
    "django_htmx.middleware.HtmxMiddleware",
    "outreach.shell.TimeZoneMiddleware",
    "outreach.permissions.PagePermissionMiddleware",
    "django.middleware.clickjacking.XFrameOptionsMiddleware",
    "csp.middleware.CSPMiddleware",
    "outreach.lib.logs.PathMiddleware",
    "accounts.idempotency.IdempotencyMiddleware",
    "django_prometheus.middleware.PrometheusAfterMiddleware",
]
TEMPLATES = [
    {
        "BACKEND": "django.template.backends.django.DjangoTemplates",
        "DIRS": [BASE_DIR / "outreach" / "html"],
        "APP_DIRS": True,
        "OPTIONS": {
            "context_processors": [
                "django.template.context_processors.request",
                "django.contrib.auth.context_processors.auth",
                "django.contrib.messages.context_processors.messages",
                "outreach.shell.context",
            ]
        },
    }
]
CONTENT_SECURITY_POLICY = {
    "DIRECTIVES": {
        "default-src": [SELF],
        "script-src": [SELF],
        "style-src": [SELF],
        "img-src": [SELF, "data:"],
        "object-src": [NONE],
        "base-uri": [NONE],
        "form-action": [SELF],
        "frame-ancestors": [NONE],
    }
}
STATIC_URL = "/static/"
STATIC_ROOT = DATA_DIR / "static"
STATICFILES_DIRS = [BASE_DIR / "static"]
WHITENOISE_USE_FINDERS = True  # serves from the source tree when collectstatic was not run

# --- People ---
AUTH_USER_MODEL = "accounts.User"
AUTHENTICATION_BACKENDS = ["outreach.office_rights.RoleBackend"]
AUTH_PASSWORD_VALIDATORS = [
    {"NAME": f"django.contrib.auth.password_validation.{name}"}
    for name in ("UserAttributeSimilarityValidator", "MinimumLengthValidator", "CommonPasswordValidator")
]
LOGIN_URL = "sign-in"
PASSWORD_RESET_TIMEOUT = 72 * 3600  # seconds that a link for setting a password works

# --- Time: all instants are UTC; a wall-clock rule names its zone ---
USE_TZ = True
TIME_ZONE = "UTC"
LANGUAGE_CODE = "en-gb"
USE_I18N = False
DATE_FORMAT, TIME_FORMAT, DATETIME_FORMAT = "j M Y", "H:i", "j M Y H:i"

# --- History: who changed what of what people configure and decide (outreach.lib.history) ---
PGHISTORY_APPEND_ONLY = True
PGHISTORY_CONTEXT_FIELD = pghistory.ContextJSONField()
PGHISTORY_OBJ_FIELD = pghistory.ObjForeignKey(related_name="+", related_query_name="+")

# --- Privacy ---
RETENTION_MONTHS = env.int("RETENTION_MONTHS", default=0)  # people never in touch for so long are forgotten; 0: nobody

# --- API ---
REST_FRAMEWORK = {
    "DEFAULT_AUTHENTICATION_CLASSES": [
        "accounts.authentication.ApiKeyAuthentication",
        "rest_framework.authentication.SessionAuthentication",
    ],
    "DEFAULT_PERMISSION_CLASSES": ["outreach.permissions.RoutePermission"],
    "DEFAULT_PAGINATION_CLASS": "outreach.lib.api.KeysetPagination",
    "DEFAULT_FILTER_BACKENDS": ["django_filters.rest_framework.DjangoFilterBackend"],
    "DEFAULT_RENDERER_CLASSES": ["rest_framework.renderers.JSONRenderer"],
    "DEFAULT_PARSER_CLASSES": ["outreach.lib.api.JsonParser"],
    "DEFAULT_SCHEMA_CLASS": "drf_spectacular.openapi.AutoSchema",
    "EXCEPTION_HANDLER": "outreach.lib.api.problem_response",
    "TEST_REQUEST_DEFAULT_FORMAT": "json",
    "PAGE_SIZE": 50,
}
SPECTACULAR_SETTINGS = {
    "TITLE": "Outreach API",
    "DESCRIPTION": "Affiliate outreach: prospects, campaigns, messages and what came of them. Guide: docs/api.md.",
    "VERSION": VERSION,
    "SERVE_INCLUDE_SCHEMA": False,
    "SWAGGER_UI_DIST": "SIDECAR",
    "SWAGGER_UI_FAVICON_HREF": "SIDECAR",
    "COMPONENT_SPLIT_REQUEST": True,
    "SCHEMA_PATH_PREFIX": "/api/v1",
    "SERVE_PERMISSIONS": ["rest_framework.permissions.AllowAny"],
    "ENUM_NAME_OVERRIDES": {
        "CampaignState": "campaigns.models.Campaign.State",
        "EnrollmentState": "campaigns.models.Enrollment.State",
        "MessageState": "campaigns.models.Message.State",
        "Security": "integrations.models.mailbox.Security",
    },
}

# --- Background work: the ledger is the queue, Celery only wakes ---
CELERY_BROKER_URL = (
    "redis+socket://" + REDIS_URL.removeprefix("unix://").partition("?")[0] + "?virtual_host=1"
    if REDIS_URL.startswith("unix://")
    else REDIS_URL
)
CELERY_BROKER_TRANSPORT_OPTIONS = {
    "visibility_timeout": 3600,
    "socket_timeout": 5,
    "socket_connect_timeout": 5,
    "global_keyprefix": "outreach:",
    "unacked_restore_interval": 5,
}
CELERY_BROKER_CONNECTION_RETRY_ON_STARTUP = True
CELERY_TASK_ACKS_LATE = True
CELERY_TASK_REJECT_ON_WORKER_LOST = True
CELERY_WORKER_PREFETCH_MULTIPLIER = 1
CELERY_WORKER_SOFT_SHUTDOWN_TIMEOUT = 20
CELERY_TASK_IGNORE_RESULT = True
SERVICE_URLS: dict[str, str] = {}  # tests name their own sinks here, by service; never from the environment

CELERY_TASK_ROUTES = {  # slow mail servers keep their own workers busy, never the ticks
    "campaigns.tasks.deliver_mailbox": {"queue": "mail"},
    "campaigns.tasks.search_copies": {"queue": "mail"},
    "integrations.tasks.poll_mailbox": {"queue": "mail"},
}
CELERY_TASK_TIME_LIMIT = 1800
CELERY_WORKER_HIJACK_ROOT_LOGGER = False
CELERY_TIMEZONE = "UTC"
CELERY_BEAT_SCHEDULER = "django_celery_beat.schedulers:DatabaseScheduler"
CELERY_BEAT_MAX_LOOP_INTERVAL = 5
CELERY_BEAT_SCHEDULE = schedule.BEAT
DJANGO_CELERY_BEAT_TZ_AWARE = True
DJANGO_STRUCTLOG_CELERY_ENABLED = True

# --- Logs: one line per thing that happened, ids instead of people ---
LOG_FORMAT = env.str("LOG_FORMAT", default="console")
_shared: list[structlog.typing.Processor] = [
    structlog.contextvars.merge_contextvars,
    structlog.stdlib.add_logger_name,
    structlog.stdlib.add_log_level,
    structlog.processors.TimeStamper(fmt="iso", utc=True),
]
LOGGING = {
    "version": 1,
    "disable_existing_loggers": False,
    "formatters": {
        "line": {
            "()": structlog.stdlib.ProcessorFormatter,
            "foreign_pre_chain": _shared,
            "processors": [
                structlog.stdlib.ProcessorFormatter.remove_processors_meta,
                *(
                    [structlog.processors.format_exc_info, structlog.processors.JSONRenderer()]
                    if LOG_FORMAT == "json"
                    else [
                        structlog.dev.ConsoleRenderer(
                            colors=False,
                            pad_event_to=0,
                            exception_formatter=structlog.dev.plain_traceback,  # never the locals: they hold secrets
                        )
                    ]
                ),
            ],
        }
    },
    "filters": {"readiness": {"()": "outreach.lib.logs.ReadinessFilter"}},
    "handlers": {"stderr": {"class": "logging.StreamHandler", "formatter": "line", "filters": ["readiness"]}},
    "root": {"handlers": ["stderr"], "level": env.str("LOG_LEVEL", default="INFO")},
    "loggers": {
        "django_structlog": {"level": "WARNING"},
        "celery.app.trace": {"level": "WARNING"},
        "celery.worker.strategy": {"level": "WARNING"},
        "celery.beat": {"level": "WARNING"},
        "django_celery_beat": {"level": "WARNING"},
        "gunicorn.http.wsgi": {"level": "ERROR"},  # warns for each HEAD; Django leaves dropping the body to the server
        "mail.log": {"level": "ERROR"},
        "pymap": {"level": "ERROR"},
    },
}
structlog.configure(
    processors=[*_shared, structlog.stdlib.ProcessorFormatter.wrap_for_formatter],
    logger_factory=structlog.stdlib.LoggerFactory(),
    cache_logger_on_first_use=True,
)

# --- The demo world ---
DEMO = env.bool("DEMO", default=True)  # `make run` starts the demo world; off on a real installation

# --- The back office ---
UNFOLD = {"SITE_TITLE": "Outreach", "SITE_HEADER": "Outreach", "SHOW_HISTORY": False, "SHOW_VIEW_ON_SITE": False}
IMPORT_EXPORT_USE_TRANSACTIONS = True
IMPORT_EXPORT_TMP_STORAGE_CLASS = "import_export.tmp_storages.CacheStorage"  # web processes share no folder
