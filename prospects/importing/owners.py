"""Which of us a name in a sheet means."""

from accounts.models import User


class Owners:
    """Everybody who can sign in, by user name, address and full name; a first name counts where one person has it."""

    def __init__(self) -> None:
        self._found: dict[str, int | None] = {}
        rows = User.objects.filter(is_active=True).values_list("id", "username", "email", "first_name", "last_name")
        for id, username, email, first, last in rows.order_by("id"):
            for said in {username, email, f"{first} {last}".strip(), f"{last}, {first}", first}:
                self._add(said, id)

    def find(self, text: str) -> int | None:
        """The key of the user, or None where the text names nobody, or more than one."""
        return self._found.get(" ".join(text.split()).casefold())

    def _add(self, said: str, id: int) -> None:
        key = " ".join(said.split()).casefold()
        if key and key != ",":
            self._found[key] = id if self._found.get(key, id) == id else None
