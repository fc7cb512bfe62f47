"""Who is asking, as the verbs want to know it."""

from django.http import HttpRequest

from accounts.models import User


def caller(request: HttpRequest) -> User | None:
    """The person behind a request of the API (its key's owner) or of the back office; None for a stranger."""
    return request.user if isinstance(request.user, User) else None
