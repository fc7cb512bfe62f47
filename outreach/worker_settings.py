"""The settings of Celery's processes: all but the faces, which fill more memory than the work. Everybody else, the
checks and migrations too, reads `outreach.settings`.
"""

from outreach import settings
from outreach.settings import *  # noqa: F403

FACES = (
    "unfold",
    "outreach.office",
    "django.contrib.sessions",
    "django.contrib.messages",
    "django.contrib.staticfiles",
    "rest_framework",
    "django_filters",
    "django_htmx",
    "import_export",
    "drf_spectacular",
    "django_prometheus",
)
INSTALLED_APPS = [
    "django.contrib.admin.apps.SimpleAdminConfig",  # its log names people who are to be erased; its pages stay unread
    *(app for app in settings.INSTALLED_APPS if not app.startswith(FACES)),
]
ROOT_URLCONF = "campaigns.public_urls"  # what mails link to
