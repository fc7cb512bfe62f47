"""What the demo world wrote down: the receiving server's log, the letters themselves, and what recipients did."""

import json
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

FILES = ("received.jsonl", "letters.jsonl", "performed.jsonl")


@dataclass(frozen=True)
class Accepted:
    """One line of the receiving log: the server took responsibility for this copy."""

    at: datetime
    recipient: str
    message_id: str


@dataclass(frozen=True)
class Performed:
    """One thing a recipient did. `status` is the answer of our web server, 0 for a mail."""

    at: datetime
    recipient: str
    message_id: str
    habit: str
    status: int


class Records:
    """A folder of append-only files, one JSON object a line; a line that a kill cut short is passed over."""

    def __init__(self, folder: Path) -> None:
        folder.mkdir(parents=True, exist_ok=True)
        self.folder = folder
        self.received, self.letters, self.performed = (folder / name for name in FILES)
        for path in (self.received, self.letters, self.performed):
            _end_line(path)

    def accepted(self) -> list[Accepted]:
        """The receiving log, in order."""
        return [
            Accepted(datetime.fromisoformat(line["at"]), line["recipient"].lower(), line["message_id"])
            for line in _lines(self.received)
        ]

    def keep_letter(self, *, recipient: str, message_id: str, raw: bytes) -> None:
        """Keeps a mail, before the log says that it was accepted."""
        text = raw.decode("utf-8", "surrogateescape")
        _append(self.letters, {"recipient": recipient, "message_id": message_id, "raw": text})

    def kept_letters(self) -> dict[tuple[str, str], bytes]:
        """(recipient, Message-ID) → the mail."""
        return {
            (line["recipient"], line["message_id"]): line["raw"].encode("utf-8", "surrogateescape")
            for line in _lines(self.letters)
        }

    def note(self, *, recipient: str, message_id: str, habit: str, status: int = 0) -> None:
        """Writes down that a recipient did it, at this moment."""
        now = datetime.now(UTC).isoformat()
        fact = {"at": now, "recipient": recipient, "message_id": message_id, "habit": habit, "status": status}
        _append(self.performed, fact)

    def done(self) -> list[Performed]:
        """What recipients did, in order."""
        return [Performed(**{**line, "at": datetime.fromisoformat(line["at"])}) for line in _lines(self.performed)]

    def set_aside(self) -> None:
        """Begins new files; the old ones stay under a numbered name."""
        number = 1 + sum(1 for _ in self.folder.glob("received.jsonl.*"))
        for name in FILES:
            path = self.folder / name
            if path.exists():
                path.rename(path.with_name(f"{name}.{number}"))


def _append(path: Path, fact: dict[str, Any]) -> None:
    with path.open("a", encoding="utf-8") as file:
        file.write(json.dumps(fact) + "\n")


def _lines(path: Path) -> Iterator[dict[str, Any]]:
    if not path.exists():
        return
    with path.open(encoding="utf-8") as file:
        for line in file:
            try:
                yield json.loads(line)
            except json.JSONDecodeError:
                continue


def _end_line(path: Path) -> None:
    """A writer may have been killed in mid-line: the next one starts on a line of its own."""
    if path.exists() and path.stat().st_size:
        with path.open("rb+") as file:
            file.seek(-1, 2)
            if file.read(1) != b"\n":
                file.write(b"\n")
