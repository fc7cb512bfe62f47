"""What this installation knows outside its database: a small file that no restore of the database puts back."""

import json
import uuid
from dataclasses import asdict, dataclass
from datetime import datetime
from pathlib import Path
from typing import Any

import structlog
from django.conf import settings

from outreach.lib import durable

log = structlog.get_logger(__name__)


@dataclass(frozen=True)
class Known:
    """The last tick as this file saw it. `beats` is never ahead of a database that was not put back; `place` is another
    when its tables were made anew from a dump, or its server went another way.

    The rest is the clock that was last found right: `right_at` by business time, `uptime` (seconds, of the boot `boot`)
    beside it, and the `skew` that is taken for right (seconds ahead of the database's clock). `wrong` while it is not
    right any more; `settled` is the last word of a person about it that was heeded.
    """

    installation: uuid.UUID
    beats: int
    right_at: datetime
    uptime: float
    boot: str
    skew: float
    wrong: bool = False
    settled: str = ""
    place: str = ""


def folder() -> Path:
    """Where it lies, with the journal of opt-outs."""
    return Path(settings.SAFETY_DIR)


def read() -> Known | None:
    """What is known, or None; a file that cannot be read is as none, and logged."""
    try:
        return _parsed(json.loads(_path().read_text(encoding="utf-8")))
    except FileNotFoundError:
        return None
    except (OSError, ValueError, KeyError, TypeError) as error:
        log.error("heartbeat_file_unreadable", error=str(error))
        return None


def write(known: Known) -> bool:
    """On disk when this returns True; a disk that fails is logged, since sending does not depend on it."""
    said: dict[str, Any] = asdict(known)
    try:
        durable.replace(_path(), json.dumps(said, default=str))
    except OSError as error:
        log.error("heartbeat_file_not_written", error=str(error))
        return False
    return True


def _path() -> Path:
    return folder() / "heartbeat.json"


def _parsed(said: dict[str, Any]) -> Known:
    return Known(
        installation=uuid.UUID(said["installation"]),
        beats=int(said["beats"]),
        right_at=datetime.fromisoformat(said["right_at"]),
        uptime=float(said["uptime"]),
        boot=str(said["boot"]),
        skew=float(said["skew"]),
        wrong=bool(said["wrong"]),
        settled=str(said["settled"]),
        place=str(said["place"]),
    )
