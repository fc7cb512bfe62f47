"""Documents about a person: kept in the database, given back only as downloads."""

from typing import Protocol

from django.db.models import Q, QuerySet

from accounts.models import User
from outreach.lib.errors import DomainError, Problem
from outreach.lib.text import printable
from prospects.models import File, Prospect

LARGEST = 5 * 1024 * 1024  # bytes
MOST = 50  # of one person
LONGEST_NAME, LONGEST_TYPE = 255, 100


class Readable(Protocol):
    """What an upload is: bytes to read."""

    def read(self, size: int, /) -> bytes:
        """At most so many bytes."""
        ...


class InvalidFile(DomainError):
    """A file that can't be kept."""

    title = "The file is not valid"


def keep_file(*, prospect: Prospect, name: str, content_type: str, source: Readable, by: User | None) -> File:
    """Keeps a file of at most 5 MB, up to 50 of one person. Raises InvalidFile, naming `file`."""
    data = source.read(LARGEST + 1)
    problem = ""
    if not data:
        problem = "This file is empty."
    elif len(data) > LARGEST:
        problem = "A file has at most 5 MB."
    elif File.objects.filter(prospect=prospect).count() >= MOST:
        problem = f"At most {MOST} files are kept about one person. Delete one first."
    if problem:
        raise InvalidFile(problems=[Problem("file", problem)])
    return File.objects.create(
        prospect=prospect,
        name=_plain_name(name),
        content_type=printable(content_type)[:LONGEST_TYPE],
        size=len(data),
        data=data,
        created_by=by,
    )


def _plain_name(name: str) -> str:
    """The last part of a path, whoever's; what is too long loses its middle, so that the ending stays."""
    plain = printable(name.replace("\\", "/").rpartition("/")[2]) or "file"
    return plain if len(plain) <= LONGEST_NAME else f"{plain[:200]}…{plain[-50:]}"


def of(*, prospect: Prospect) -> QuerySet[File]:
    """A person's files, those of merged rows too, newest first, without their bytes."""
    return (
        File.objects.filter(Q(prospect=prospect) | Q(prospect__person=prospect))
        .defer("data")
        .select_related("created_by")
        .order_by("-id")
    )


def delete_file(*, file: File) -> bool:
    """Deletes it for good. False when it was gone."""
    return bool(File.objects.filter(pk=file.pk).delete()[0])
