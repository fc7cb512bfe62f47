"""What people change about themselves."""

from accounts.models import User


def change_profile(*, user: User, first_name: str, last_name: str, email: str, time_zone: str) -> User:
    """Changes the name, the address and the clock of a person; what they may do stays."""
    user.first_name, user.last_name, user.email, user.time_zone = first_name, last_name, email, time_zone
    user.save(update_fields=["first_name", "last_name", "email", "time_zone"])
    return user
