"""Domain errors: what a verb refuses, in words a person can act on, without knowing who asked."""

from collections.abc import Iterable
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Problem:
    """One thing that is wrong: its field ("" for the whole request; nested fields dotted) and a sentence."""

    field: str
    message: str


class DomainError(Exception):
    """A verb refuses. Apps subclass this; the API answers `status` as a problem document, pages show the sentences.

    The status is a hint for HTTP: 400 for a wrong value, 409 for a right request at the wrong moment. Without a message
    of its own an error says its problems, joined.
    """

    status = 400
    title = "The request was refused"

    def __init__(self, message: str = "", problems: Iterable[Problem] = ()) -> None:
        self.problems: tuple[Problem, ...] = tuple(problems)
        super().__init__(message or " ".join(problem.message for problem in self.problems))
