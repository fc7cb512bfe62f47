"""The first person of a new installation."""

import secrets

from django.db import IntegrityError, transaction

from accounts.models import Role, User


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
