"""What gunicorn serves. A new process reads addresses and pages before it serves, so that nobody waits for it."""

import os

from django.core.wsgi import get_wsgi_application
from django.template.loader import get_template
from django.urls import reverse

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "outreach.settings")
application = get_wsgi_application()
reverse("today")  # imports every page and the API
for page in ("shell/page.html", "shell/bar.html", "shell/today.html", "shell/today_live.html", "accounts/sign_in.html"):
    get_template(page)
