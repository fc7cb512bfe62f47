"""`manage.py import_prospects FILE`: people from a CSV file."""

from pathlib import Path
from typing import IO, Any, BinaryIO, cast

from django.core.management.base import BaseCommand, CommandError, CommandParser
from rich.console import Console
from rich.progress import BarColumn, Progress, TaskProgressColumn, TextColumn, TimeRemainingColumn

from prospects.importing.files import UnreadableFile, import_file
from prospects.models import ImportBatch

SHOWN = 20


class Command(BaseCommand):
    help = "Imports people from a delimited file; good rows stay, each rejected one is reported with its line."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("file", type=Path)
        parser.add_argument(
            "--map", action="append", default=[], metavar="COLUMN=FIELD", help="what a column means, such as Mail=email"
        )
        parser.add_argument("--source", default="", help="where we know these people from; the file's name if not said")
        parser.add_argument("--tag", action="append", default=[], help="a tag for everybody who is added")

    def handle(self, *args: Any, file: Path, **options: Any) -> None:
        """Exits with 1 when the file can't be read; rejected rows are no failure."""
        mapping = dict(_pair(text) for text in options["map"])
        console = Console(file=cast(IO[str], self.stdout))
        try:
            with file.open("rb") as source:
                batch = _import(source, file, console, mapping, options["source"], options["tag"])
        except OSError as error:
            raise CommandError(f"{file} can't be opened: {error.strerror}.") from error
        except UnreadableFile as error:
            raise CommandError(f"{file.name}: {error}") from error
        _report(batch, console)


def _import(
    source: BinaryIO, file: Path, console: Console, mapping: dict[str, str], source_name: str, tags: list[str]
) -> ImportBatch:
    columns = (TextColumn("{task.fields[rows]:,} rows"), BarColumn(), TaskProgressColumn(), TimeRemainingColumn())
    with Progress(*columns, console=console, transient=True) as bar:
        task = bar.add_task("import", total=file.stat().st_size, rows=0)
        return import_file(
            source=source,
            file_name=file.name,
            by=None,
            mapping=mapping,
            source_name=source_name,
            tags=tags,
            progress=lambda rows: bar.update(task, completed=source.tell(), rows=rows),
        )


def _report(batch: ImportBatch, console: Console) -> None:
    console.print(
        f"{batch.added:,} added, {batch.changed:,} changed, {batch.unchanged:,} unchanged, {batch.rejected:,} rejected",
        highlight=False,
    )
    for row in batch.rows.order_by("line")[:SHOWN]:
        console.print(f"  line {row.line}: {row.reason}", highlight=False, markup=False)
    if batch.rejected > SHOWN:
        console.print(f"  … and {batch.rejected - SHOWN:,} more", highlight=False)


def _pair(text: str) -> tuple[str, str]:
    column, equals, field = text.partition("=")
    if not equals:
        raise CommandError(f"--map {text}: write COLUMN=FIELD, such as Mail=email.")
    return column, field.strip()
