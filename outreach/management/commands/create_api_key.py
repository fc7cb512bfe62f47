"""Make an API key and print it once."""

from argparse import ArgumentParser
from datetime import timedelta
from typing import Any

from django.core.management.base import BaseCommand, CommandError
from django.db import ProgrammingError
from django.utils import timezone

from accounts import keys
from accounts.models import Role, User

LONGEST = 36_500  # days


class Command(BaseCommand):
    """`manage.py create_api_key --name crm --role operator`."""

    help = "Makes an API key and prints it; it can't be shown again."

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("--name", required=True, help="what the key is for")
        parser.add_argument("--role", default=Role.OPERATOR, choices=Role.values, help="what it may do")
        parser.add_argument("--owner", help="user name it acts for; default: the first administrator")
        parser.add_argument("--days", type=int, help="days until it expires; default: never")

    def handle(self, *args: Any, **options: Any) -> None:
        days = options["days"]
        if days is not None and not 1 <= days <= LONGEST:
            raise CommandError(f"--days must be at least 1 and at most {LONGEST}; without it the key never expires.")
        try:
            key, raw = keys.create_key(
                name=options["name"],
                role=options["role"],
                owner=_owner(options["owner"]),
                expires_at=timezone.now() + timedelta(days=days) if days else None,
            )
        except keys.InvalidKey as error:
            raise CommandError(str(error)) from error
        except ProgrammingError as error:
            raise CommandError("The database was never migrated: start `make run` first.") from error
        self.stderr.write(f"API key “{key.name}” ({key.role}) for {key.owner}. Keep it: it is not shown again.")
        self.stdout.write(raw)


def _owner(username: str | None) -> User:
    if username:
        owner = User.objects.filter(username=username, is_active=True).first()
        if owner is None:
            raise CommandError(f"There is no active user called “{username}”.")
        return owner
    active = User.objects.filter(is_active=True)
    owner = active.filter(role=Role.ADMINISTRATOR).order_by("pk").first() or active.filter(is_superuser=True).first()
    if owner is None:
        raise CommandError("There is no administrator yet: run `manage.py createsuperuser` or `make run` first.")
    return owner
