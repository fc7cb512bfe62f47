"""What people change about themselves."""

from zoneinfo import available_timezones

from accounts.models import User


def change_profile(*, user: User, first_name: str, last_name: str, email: str, time_zone: str) -> User:
    """Changes the name, the address and the clock of a person; what they may do stays."""
    user.first_name, user.last_name, user.email, user.time_zone = first_name, last_name, email, time_zone
    user.save(update_fields=["first_name", "last_name", "email", "time_zone"])
    return user


def take_clock(*, user: User, time_zone: str) -> None:
    """At the first sign-in takes over the clock of the browser, when it names a zone that is known."""
    if user.last_login is None and time_zone in available_timezones():
        User.objects.filter(pk=user.pk, last_login=None).update(time_zone=time_zone)
        user.time_zone = time_zone
