"""Whether the database and the clock can be trusted. While they can't, all sending is held until a person says so.

A database that was put back does not know what was sent after its backup; a wrong clock knows no window and no day.
"""

import socket
import uuid
from collections.abc import Iterable
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from pathlib import Path
from time import CLOCK_BOOTTIME, clock_gettime
from typing import Any

import structlog
from django.db import connection
from django.db.models import Q

from campaigns import outside
from campaigns.models import Campaign, Errand, Message, SendingControl
from campaigns.outside import Known

log = structlog.get_logger(__name__)

Held = SendingControl.Held
NEW_HERE = timedelta(minutes=15)  # a process without a folder of its own comes and goes within this
LONG_OFF = timedelta(days=1)  # a whole machine that was put back knows no better; only a person does
FORWARD = timedelta(minutes=10)
TOLERANCE = timedelta(minutes=2)

# Where it is: the server, its timeline, the database and one of its tables. A restore changes one of them even when it
# comes within a tick of its backup; so does a move, which is why a person is asked.
_STORED = """
SELECT installation_id, coalesce(beats, 0), clock_timestamp() - greatest(ticked_at, settled_at),
       coalesce(held_because, ''), settled_at,
       concat_ws(':', (SELECT system_identifier FROM pg_control_system()),
                 (SELECT timeline_id FROM pg_control_checkpoint()),
                 (SELECT oid FROM pg_database WHERE datname = current_database()), 'campaigns_message'::regclass::oid)
  FROM (VALUES (1)) AS always(id) LEFT JOIN campaigns_sendingcontrol USING (id)
"""
_BEAT = """
INSERT INTO campaigns_sendingcontrol (id, stop_reason, ticked_at, installation_id, beats, business_at)
VALUES (1, '', clock_timestamp(), %(installation)s, %(beats)s + 1, %(business_at)s)
    ON CONFLICT (id) DO UPDATE SET
       ticked_at = clock_timestamp(),
       installation_id = coalesce(campaigns_sendingcontrol.installation_id, excluded.installation_id),
       beats = greatest(campaigns_sendingcontrol.beats + 1, excluded.beats),
       business_at = coalesce(excluded.business_at, campaigns_sendingcontrol.business_at)
RETURNING installation_id, beats
"""
# What was put back may have been put back once more while it was held: the first gap counts.
_HOLD = """
UPDATE campaigns_sendingcontrol
   SET held_at = coalesce(held_at, clock_timestamp()), held_because = %(because)s, held_note = %(note)s,
       beats = greatest(beats, %(beats)s),
       gap_from = CASE WHEN %(because)s = 'clock' OR held_because IN ('restored', 'unknown') THEN gap_from
                       ELSE coalesce(business_at, (SELECT planned_at FROM campaigns_message ORDER BY id DESC LIMIT 1))
                  END
 WHERE id = 1 AND held_because = ANY(%(instead_of)s)
RETURNING gap_from
"""


@dataclass(frozen=True)
class Stored:
    """What the database says of itself. `away`: how long ago its last tick was, or a person's word."""

    installation: uuid.UUID | None = None
    beats: int = 0
    away: timedelta | None = None
    held_because: str = ""
    settled: str = ""
    place: str = ""


def look() -> bool:
    """Holds all sending when the database was put back; returns whether a guard holds it.

    One query and one small file. Whoever plans or delivers asks first.
    """
    known, stored = _both()
    return bool(_hold_if_put_back(stored, known) or stored.held_because)


def beat(*, now: datetime) -> None:
    """One tick: notes inside and outside the database that both live, and looks whether both can be trusted.

    A clock that is right again lets sending go on by itself, a database that was put back never does.
    """
    known, stored = _both()
    _hold_if_put_back(stored, known)
    mine = known if known and stored.installation in (None, known.installation) else None
    skew = (now - _database_now()).total_seconds()
    clock = _heard(known, stored, now=now, skew=skew)
    wrong = clock_fault(now=now, skew=skew, uptime=uptime(), boot=boot(), right=clock)
    said: dict[str, Any] = {
        "installation": mine.installation if mine else uuid.uuid4(),
        "beats": mine.beats if mine else 0,
        "business_at": None if wrong else now,
    }
    with connection.cursor() as cursor:
        cursor.execute(_BEAT, said)
        installation, beats = cursor.fetchone()
    if wrong:
        _hold(Held.CLOCK, note=wrong, instead_of=[""])
        outside.write(replace(clock, installation=installation, beats=beats, place=stored.place, wrong=True))
        return
    if clock.wrong:
        _right_again()
    at = replace(clock, right_at=now, uptime=uptime(), boot=boot(), skew=_usual(skew, clock), wrong=False)
    outside.write(replace(at, installation=installation, beats=beats, place=stored.place))


def clock_is_right(*, now: datetime) -> bool:
    """Whether this worker's clock agrees with the database's; while it does not, all sending is held.

    For workers that do not tick. Two queries; the same machine lets sending go on when its clock is right again.
    """
    skew, known = (now - _database_now()).total_seconds(), outside.read()
    if wrong := _skewed(skew, known.skew if known else 0.0):
        _hold(Held.CLOCK, note=wrong, instead_of=[""])
        return False
    _right_again(_of_this_machine())
    return True


def clock_fault(*, now: datetime, skew: float, uptime: float, boot: str, right: Known) -> str:
    """What is wrong with the clock, as a sentence; "" when nothing is.

    `skew` is how far it is ahead of the database's, `uptime` how long the machine has run since `boot` (seconds);
    `right` is the clock when it was right.
    """
    if wrong := _skewed(skew, right.skew):
        return wrong
    if boot != right.boot:
        return "It is earlier than it was before the restart." if now < right.right_at - TOLERANCE else ""
    jump = (now - right.right_at).total_seconds() - (uptime - right.uptime)
    if jump > FORWARD.total_seconds():
        return f"The clock went forward by {_span(jump)} at once."
    if jump < -TOLERANCE.total_seconds():
        return f"The clock went back by {_span(jump)}."
    return ""


def _skewed(skew: float, usual: float) -> str:
    if min(abs(skew), abs(skew - usual)) <= TOLERANCE.total_seconds():
        return ""
    return f"{_of_this_machine()}is {_span(skew)} {'ahead of' if skew > 0 else 'behind'} the database's."


def uptime() -> float:
    """Seconds that this machine has run, also while it was suspended."""
    return clock_gettime(CLOCK_BOOTTIME)


def boot() -> str:
    """Which start of the machine this is; "" where nobody tells."""
    try:
        return Path("/proc/sys/kernel/random/boot_id").read_text(encoding="ascii").strip()
    except OSError:
        return ""


def _both() -> tuple[Known | None, Stored]:
    """In this order: another worker's beat in between, first inside and then outside, must not look like a restore."""
    known = outside.read()
    return known, _stored()


def _stored() -> Stored:
    with connection.cursor() as cursor:
        cursor.execute(_STORED)
        installation, beats, away, held_because, settled_at, place = cursor.fetchone()
    return Stored(installation, beats, away, held_because, settled_at.isoformat() if settled_at else "", place)


def _database_now() -> datetime:
    with connection.cursor() as cursor:
        cursor.execute("SELECT clock_timestamp()")
        at: datetime = cursor.fetchone()[0]
    return at


def _hold_if_put_back(stored: Stored, known: Known | None) -> bool:
    """Whether this very look found it."""
    because = _suspicion(stored, known)
    if because is None or (because == Held.UNKNOWN and stored.held_because in (Held.UNKNOWN, Held.RESTORED)):
        return False
    beats = known.beats if known and because == Held.RESTORED else 0
    return _hold(because, beats=beats, instead_of=["", Held.CLOCK, Held.UNKNOWN, because])


def _suspicion(stored: Stored, known: Known | None) -> SendingControl.Held | None:
    if known is None:
        return Held.UNKNOWN if stored.beats and _is_longer(stored.away, NEW_HERE) else None
    if stored.installation is None:  # older than its first tick; a new and empty one may take over the folder
        return Held.RESTORED if Message.objects.exists() else None
    if stored.installation == known.installation and known.beats > stored.beats:
        return Held.RESTORED
    is_elsewhere = stored.installation != known.installation or (known.place and known.place != stored.place)
    if is_elsewhere and stored.settled <= known.settled:  # a later word was about just this
        return Held.UNKNOWN
    return Held.UNKNOWN if _is_longer(stored.away, LONG_OFF) and _is_real() else None


def _is_longer(away: timedelta | None, span: timedelta) -> bool:
    return away is not None and away > span


def _is_real() -> bool:
    """The demo world may sleep as long as it likes."""
    real = Q(state=Campaign.State.RUNNING, is_demo=False, rehearsal_of=None)
    return Campaign.objects.filter(real).exists()


def _hold(because: SendingControl.Held, *, instead_of: Iterable[str], note: str = "", beats: int = 0) -> bool:
    SendingControl.objects.get_or_create(pk=1)
    values: dict[str, Any] = {"because": because, "note": note[:200], "beats": beats, "instead_of": list(instead_of)}
    with connection.cursor() as cursor:
        cursor.execute(_HOLD, values)
        row = cursor.fetchone()
    if row is not None:
        Errand.objects.filter(kind=Errand.Kind.SETTLE, finished_at=None).delete()  # it was about an earlier restore
        log.error("sending_held", because=str(because), note=note, gap_from=row[0] and row[0].isoformat())
    return row is not None


def _of_this_machine() -> str:
    """How a sentence about this machine's clock begins."""
    return f"The clock of {socket.gethostname()} "


def _right_again(said: str = "") -> None:
    """What begins with these words is over."""
    held = SendingControl.objects.filter(held_because=Held.CLOCK, held_note__startswith=said)
    if held.update(held_at=None, held_because="", held_note=""):
        log.info("clock_right_again")


def _heard(known: Known | None, stored: Stored, *, now: datetime, skew: float) -> Known:
    """The clock that counts as right; after a person's word, and on the first tick, it is the present one."""
    if known is not None and known.settled >= stored.settled:
        return known
    taken = skew if known is not None else 0.0
    return Known(uuid.UUID(int=0), 0, now, uptime(), boot(), skew=taken, settled=stored.settled)


def _usual(skew: float, clock: Known) -> float:
    return 0.0 if abs(skew) <= TOLERANCE.total_seconds() else clock.skew


def _span(seconds: float) -> str:
    minutes = round(abs(seconds) / 60)
    hours, days = round(minutes / 60), round(minutes / 1440)
    many, unit = (days, "day") if minutes >= 2880 else (hours, "hour") if minutes >= 120 else (minutes, "minute")
    return f"{many} {unit}{'' if many == 1 else 's'}"
