"""The demo world in real time, beside the web server and the workers of `make run`; later its two servers alone."""

import fcntl
import threading
from datetime import UTC, datetime

import structlog
from django.db import InterfaceError, OperationalError, connection

from accounts import onboarding
from outreach.demo import behaviour, checking, people, practising, staging
from outreach.demo.checking import Findings
from outreach.demo.practising import Ports
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


def serve(*, stopped: threading.Event) -> None:
    """Runs the world until `stopped` is set. Raises AlreadyServed, staging.CannotStage, lifecycle.NotReady.

    Once Outreach is used for real nothing is staged and nobody acts: only the servers stay, for practice mailboxes.
    """
    played, folder = cast(), practising.folder()
    languages = {person.email: person.language for person in played.people}
    folder.mkdir(parents=True, exist_ok=True)
    with (folder / "lock").open("w") as lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError as error:
            raise AlreadyServed("The demo world runs already; stop the other one first.") from error
        world = World(folder=folder, seed=SEED, pace=behaviour.LIVE, visitor=OverHttp(), languages=languages)
        before = practising.ports() or Ports(0, 0)
        world.start(smtp_port=before.smtp_port, imap_port=before.imap_port)
        try:
            _live(world, played, stopped)
        finally:
            world.stop()


def check() -> Findings:
    """Compares the log of the world in real time with the ledger; sending may go on meanwhile.

    Raises staging.CannotStage when there is no demo world on this database.
    """
    campaign = staging.campaign_of(cast())
    if campaign is None:
        left = onboarding.is_real()
        raise staging.CannotStage(
            "The demo world was removed: this installation is used for real."
            if left
            else "The demo was never started here."
        )
    return checking.check(campaign=campaign, records=Records(practising.folder()), seed=SEED, is_over=False)


def _live(world: World, played: Cast, stopped: threading.Event) -> None:
    owed = _begin(world, played)
    log.info(
        "practice_servers_ready" if world.is_resting else "demo_world_ready",
        smtp_port=world.smtp.port,
        imap_port=world.imap.port,
        owed=owed,
    )
    while not stopped.wait(LOOK_EVERY):
        if not world.is_resting:
            _look(world, now=datetime.now(UTC))
    log.info("demo_world_stopped", received=len(world.smtp.received))


def _begin(world: World, played: Cast) -> int:
    """Sets the scene; returns how many reactions are owed from before."""
    practising.announce(Ports(world.smtp.port, world.imap.port))
    with staging.alone():
        if onboarding.is_real():
            world.rest()
        else:
            staging.ensure(world, cast=played, now=datetime.now(UTC))
    connection.close()  # from here on the world lives on, whatever happens to the database
    return 0 if world.is_resting else world.remember(now=datetime.now(UTC))


def _look(world: World, *, now: datetime) -> None:
    """People act, unless the demo world was left; but not while it is being removed."""
    try:
        with staging.undisturbed() as free:
            if free and onboarding.is_real():
                world.rest()
                log.info("demo_world_left")
            elif free:
                world.react(now=now)
    except (OperationalError, InterfaceError):
        connection.close()
        world.react(now=now)
