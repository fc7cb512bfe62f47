"""The demo world in real time, beside the web server and the workers of `make run`."""

import fcntl
import threading
from datetime import UTC, datetime
from pathlib import Path

import structlog
from django.conf import settings
from django.db import connection

from outreach.demo import behaviour, checking, people, staging
from outreach.demo.checking import Findings
from outreach.demo.records import Records
from outreach.demo.staging import Cast
from outreach.demo.visiting import OverHttp
from outreach.demo.world import World

log = structlog.get_logger("demo")

SEED = 7
LOOK_EVERY = 0.5  # seconds


class AlreadyServed(Exception):
    """Another process is the demo world of this data folder."""


def cast() -> Cast:
    """The people of the shipped file."""
    return Cast(tag="", people=people.shipped())


def folder() -> Path:
    """Where the truth is written."""
    return Path(settings.DATA_DIR) / "demo"


def serve(*, stopped: threading.Event) -> None:
    """Runs the world until `stopped` is set. Raises AlreadyServed, staging.CannotStage, lifecycle.NotReady."""
    played = cast()
    languages = {person.email: person.language for person in played.people}
    folder().mkdir(parents=True, exist_ok=True)
    with (folder() / "lock").open("w") as lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError as error:
            raise AlreadyServed("The demo world runs already; stop the other one first.") from error
        world = World(folder=folder(), seed=SEED, pace=behaviour.LIVE, visitor=OverHttp(), languages=languages)
        known = staging.mailbox_of(played)
        world.start(smtp_port=known.smtp_port if known else 0, imap_port=known.imap_port if known else 0)
        try:
            _live(world, played, stopped)
        finally:
            world.stop()


def check() -> Findings:
    """Compares the log of the world in real time with the ledger; sending may go on meanwhile.

    Raises staging.CannotStage when the demo was never started on this database.
    """
    campaign = staging.campaign_of(cast())
    if campaign is None:
        raise staging.CannotStage("The demo was never started here.")
    return checking.check(campaign=campaign, records=Records(folder()), seed=SEED, is_over=False)


def _live(world: World, played: Cast, stopped: threading.Event) -> None:
    campaign = staging.ensure(world, cast=played, now=datetime.now(UTC))
    connection.close()  # from here on the world lives without the database, whatever happens to it
    owed = world.remember(now=datetime.now(UTC))
    log.info(
        "demo_world_ready", campaign=str(campaign), smtp_port=world.smtp.port, imap_port=world.imap.port, owed=owed
    )
    while not stopped.wait(LOOK_EVERY):
        world.react(now=datetime.now(UTC))
    log.info("demo_world_stopped", received=len(world.smtp.received))
