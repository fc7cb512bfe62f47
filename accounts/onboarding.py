"""The first person of a new installation, and the day it is used for real."""

import secrets

from django.db import IntegrityError, transaction

from accounts.models import Installation, Role, User
from outreach.lib.models import DatabaseClock


def create_first_administrator() -> tuple[User, str] | None:
    """Returns "admin" and a random password, which is kept nowhere else; None when there is somebody already."""
    if User.objects.exists():
        return None
    password = secrets.token_urlsafe(12)
    try:
        with transaction.atomic():
            user = User.objects.create_user(
                username="admin", password=password, role=Role.ADMINISTRATOR, is_staff=True, is_superuser=True
            )
    except IntegrityError:  # another process was faster: its password is the one that was printed
        return None
    return user, password


def is_real() -> bool:
    """Whether the demo world was left: from then on it never comes back."""
    return Installation.objects.filter(real_since__isnull=False).exists()


@transaction.atomic
def begin(*, by: User | None) -> bool:
    """Notes that this installation is used for real from now on; False when it was before."""
    Installation.objects.get_or_create(pk=1)
    return bool(Installation.objects.filter(pk=1, real_since=None).update(real_since=DatabaseClock(), started_by=by))
