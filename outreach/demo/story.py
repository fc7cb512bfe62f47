"""The whole story in accelerated business time, without web server or workers: the verbs that the ticks call."""

import fcntl
import json
import secrets
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path

import structlog
from django.conf import settings
from django.db import InterfaceError, OperationalError, connection

from campaigns import delivery, inbound, planning, stopping
from campaigns.models import Campaign, Enrollment, Message
from integrations import polling
from integrations.models import InboundEvent, Mailbox
from outreach import embedded
from outreach.demo import behaviour, checking, leaving, people, staging
from outreach.demo.checking import Findings
from outreach.demo.records import Records
from outreach.demo.staging import Cast
from outreach.demo.visiting import InProcess
from outreach.demo.world import World

log = structlog.get_logger("demo")

TICK = timedelta(seconds=5)  # business time between two looks, as in outreach.schedule
PATIENCE = 90  # real seconds that the database, or the lease of a killed process, may keep us waiting
MOST_STEPS = 3  # of the demo campaign
A_ROUND = 500  # messages
MOST_ROUNDS = 5_000
_clock = threading.Event()  # never set: its wait is a pause


class NotPossible(Exception):
    """The story can't be told now; `str()` says why."""


@dataclass(frozen=True)
class Run:
    """One telling of the story, in a folder of its own; one that was killed is told to its end by the next."""

    folder: Path
    tag: str
    prospects: int
    seed: int

    @property
    def cast(self) -> Cast:
        """The people of this run."""
        return Cast(tag=self.tag, people=people.invent(self.prospects))


def run_once(*, prospects: int, seed: int, now: datetime, root: Path | None = None, keep: bool = True) -> Findings:
    """Tells the story for this many people and compares the receiving log with the ledger.

    A run with the same numbers that was killed midway is taken up and finished; of every other unfinished run the
    doubles are reported too. `now` is where business time begins. Unless `keep`, the people of a run that kept every
    promise are removed at its end; where one was broken they stay as evidence. Raises NotPossible,
    staging.CannotStage, leaving.StillSending.
    """
    if stopping.is_stopped():
        raise NotPossible("All sending is stopped: resume sending first, then tell the story.")
    root = root or settings.DATA_DIR / "demo" / "runs"
    root.mkdir(parents=True, exist_ok=True)
    earlier = list(_unfinished(root))
    mine = next((run for run in earlier if (run.prospects, run.seed) == (prospects, seed)), None)
    run = mine or _new_run(root, prospects, seed)
    with _held(run) as held:
        if not held:
            raise NotPossible(f"The run {run.tag} is being told by another process.")
        findings = _tell(run, now=now)
        _end(run, findings, keep=keep)
    return _with_earlier(findings, [other for other in earlier if other != run], keep=keep)


def _end(run: Run, findings: Findings, *, keep: bool) -> None:
    _write(run, finished=True)
    staging.close(run.cast)
    if not keep and not findings.broken:
        leaving.clear(cast=run.cast)


def _tell(run: Run, *, now: datetime) -> Findings:
    languages = {person.email: person.language for person in run.cast.people}
    world = World(
        folder=run.folder, seed=run.seed, pace=behaviour.ACCELERATED, visitor=InProcess(), languages=languages
    )
    with world:
        campaign = staging.ensure(world, cast=run.cast, now=now)
        world.remember(now=now)
        enough = 2 * len(run.cast.people) * MOST_STEPS  # more is a promise broken without end: the check says which
        _play(world, campaign, now=_resumed_at(campaign, now), enough=enough)
        return checking.check(campaign=campaign, records=world.records, seed=run.seed)


def _play(world: World, campaign: Campaign, *, now: datetime, enough: int) -> None:
    """Business time goes from one thing that is due to the next until nothing is, or `enough` mails were received."""
    waited = 0
    for _ in range(MOST_ROUNDS):
        try:
            owned, acted = _round(world, campaign, now=now)
            upcoming = now + TICK if acted else _next(world, campaign, now=now)
        except (OperationalError, InterfaceError) as error:  # the database went away; it comes back or we give up
            connection.close()
            embedded.provide()  # brings our own servers back, should nobody else
            log.warning("demo_database_away", reason=str(error).strip())
            owned, upcoming = False, now
        if upcoming is None or len(world.smtp.received) > enough:
            return
        if owned:
            waited, now = 0, upcoming
        else:
            waited += 1
            _clock.wait(1)
        if waited > PATIENCE:
            raise NotPossible("The database, or the mailbox's lease, did not come back.")
    raise NotPossible("The story does not come to an end.")


def _round(world: World, campaign: Campaign, *, now: datetime) -> tuple[bool, bool]:
    """What the ticks do: poll, apply, plan, deliver; then people react.

    Returns whether we owned the mailbox, and whether anybody reacted.
    """
    polling.poll(mailbox=Mailbox.objects.get(pk=campaign.mailbox_id))
    while inbound.apply_waiting(now=now):
        pass
    planning.plan(now=now)
    delivered = delivery.deliver(mailbox_id=campaign.mailbox_id, now=now, owner="demo", limit=A_ROUND)
    return delivered.owned, bool(world.react(now=now))


def _next(world: World, campaign: Campaign, *, now: datetime) -> datetime | None:
    """The next instant at which something is due; None when the story is over."""
    if InboundEvent.objects.filter(mailbox=campaign.mailbox_id, applied_at=None).exists():
        return now + TICK
    if Message.objects.filter(campaign=campaign, state=Message.State.SENDING).exists():
        return now + TICK
    planned = Message.objects.filter(campaign=campaign, state=Message.State.PLANNED).order_by("send_at")
    looked_at = Enrollment.objects.filter(campaign=campaign, look_at__isnull=False).order_by("look_at")
    due = [
        world.next_due(),
        planned.values_list("send_at", flat=True).first(),
        looked_at.values_list("look_at", flat=True).first(),
    ]
    known = [at for at in due if at is not None]
    if known:
        return max(now + TICK, min(known))
    return now + TICK if world.has_unread_mail() else None


def _resumed_at(campaign: Campaign, now: datetime) -> datetime:
    """Business time never runs backwards: a run that is taken up goes on after its last hand-over."""
    last = Message.objects.filter(campaign=campaign, handed_over_at__isnull=False).order_by("-handed_over_at").first()
    return max(now, last.handed_over_at) if last and last.handed_over_at else now


def _new_run(root: Path, prospects: int, seed: int) -> Run:
    tag = f"run{secrets.token_hex(4)}"
    run = Run(folder=root / tag, tag=tag, prospects=prospects, seed=seed)
    run.folder.mkdir()
    _write(run, finished=False)
    return run


def _write(run: Run, *, finished: bool) -> None:
    told_at = datetime.now(UTC).isoformat()
    facts = {"tag": run.tag, "prospects": run.prospects, "seed": run.seed, "finished": finished, "at": told_at}
    draft = run.folder / "run.json.new"
    draft.write_text(json.dumps(facts), encoding="utf-8")
    draft.replace(run.folder / "run.json")


def _unfinished(root: Path) -> Iterator[Run]:
    """Runs that were killed, newest first, as far as this database knows their campaign."""
    for path in sorted(root.glob("*/run.json"), key=lambda path: path.stat().st_mtime, reverse=True):
        facts = json.loads(path.read_text(encoding="utf-8"))
        run = Run(path.parent, facts["tag"], facts["prospects"], facts["seed"])
        if not facts["finished"] and staging.campaign_of(Cast(tag=run.tag, people=())) is not None:
            yield run


@contextmanager
def _held(run: Run) -> Iterator[bool]:
    """One process at a time tells a run; the lock goes with the process."""
    with (run.folder / "lock").open("w") as file:
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            yield False
        else:
            yield True


def _with_earlier(findings: Findings, earlier: list[Run], *, keep: bool) -> Findings:
    """Adds what is broken in runs that were killed and nobody takes up, and closes them."""
    broken = list(findings.broken)
    for run in earlier:
        campaign = staging.campaign_of(run.cast)
        with _held(run) as held:
            if campaign is None or not held:
                continue
            found = checking.check(campaign=campaign, records=Records(run.folder), seed=run.seed, is_over=False)
            broken += [f"Earlier run {run.tag}: {sentence}" for sentence in found.broken]
            _end(run, found, keep=keep)
    return Findings(counts=findings.counts, broken=tuple(broken))
