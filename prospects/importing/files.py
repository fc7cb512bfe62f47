"""Importing people from a file: the good rows stay, each bad one is reported with its line and why."""

from collections.abc import Callable, Mapping, Sequence
from typing import BinaryIO

from django.utils import timezone

from accounts.models import User
from outreach.lib.errors import DomainError
from outreach.lib.text import printable
from prospects.importing import choosing, running, uploading
from prospects.importing.choosing import Settings
from prospects.importing.storing import UnreadableFile
from prospects.models import ImportBatch

__all__ = ["Settings", "UnreadableFile", "import_file"]


def import_file(
    *,
    source: BinaryIO,
    file_name: str,
    by: User | None,
    mapping: Mapping[str, str] | None = None,
    settings: Settings | None = None,
    source_name: str = "",
    is_demo: bool = False,
    tags: Sequence[str] = (),
    progress: Callable[[int], None] | None = None,
) -> ImportBatch:
    """Stores a file (seekable; CSV or XLSX), chooses its columns as guessed and as `mapping` says, and imports it.

    A known person (the same folded address, a further address) only gets what was empty, or what `settings.replace`
    names, so that the same file again changes nothing; nobody is unstopped or unsuppressed. `tags` and `is_demo` are
    for those who are added. Another import's slice is waited for. `progress` hears the number of rows done. Raises
    UnreadableFile; what was imported until then stays.
    """
    now = timezone.now()
    try:
        batch = uploading.store(source=source, file_name=file_name, by=by, now=now, source_name=source_name, tags=tags)
    except DomainError as error:
        raise _failed(file_name, by, error) from error
    try:
        choosing.choose_by_names(batch=batch, mapping=mapping, settings=settings, by=by)
    except DomainError as error:
        running.finish(batch=batch, status=ImportBatch.Status.FAILED, error=str(error))
        raise UnreadableFile(str(error), batch=batch) from error
    batch.refresh_from_db()
    batch.options |= {"tags": list(dict.fromkeys(tags)), "tag_known": False, "is_demo": is_demo}
    batch.save(update_fields=["options"])
    with running.alone(wait=True):  # else a worker's tick would take it up as one that was cut off
        running.run(batch=batch, progress=progress)
    if batch.status == ImportBatch.Status.FAILED:
        raise UnreadableFile(batch.error, batch=batch)
    return batch


def _failed(file_name: str, by: User | None, error: DomainError) -> UnreadableFile:
    """The failure is kept, for whoever looks at the list of imports."""
    batch = ImportBatch.objects.create(file_name=printable(file_name)[-255:], created_by=by)
    running.finish(batch=batch, status=ImportBatch.Status.FAILED, error=str(error))
    return UnreadableFile(str(error), batch=batch)
