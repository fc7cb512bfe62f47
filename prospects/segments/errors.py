"""What is wrong with a rule, and where."""

from outreach.lib.errors import DomainError, Problem


class BadFilter(DomainError):
    """A rule that can't be read: `path` is the place in it, such as `all[1].op`."""

    title = "The filter is not valid"

    def __init__(self, path: str, message: str) -> None:
        super().__init__(f"{path or 'filter'}: {message}", [Problem(f"filter.{path}".rstrip("."), message)])
        self.path = path


def join(path: str, word: str) -> str:
    """The place `word` inside the place `path`."""
    return f"{path}.{word}" if path else word
