"""Setting up a demo campaign, once: program, mailbox, people, templates, sequence, launch. Touches demo rows only."""

import io
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime, time
from typing import TYPE_CHECKING

import structlog
from django.db import connection, transaction

from accounts.models import User
from campaigns import lifecycle
from campaigns.models import Campaign
from integrations import sending
from integrations.models import Mailbox
from outreach.demo import people, sequence
from outreach.demo.loops import HOST
from outreach.demo.people import Person
from prospects.importing.files import import_file
from prospects.models import Program, Prospect, Segment
from templates import versions
from templates.models import Template

if TYPE_CHECKING:  # the web server, which offers to leave the demo world, needs no mail servers
    from outreach.demo.world import World

log = structlog.get_logger("demo")

PROGRAM = "Demo: Lumen Tea partners"
LOCK = 7_301_002  # advisory lock number of whoever builds or removes a demo world
PATIENCE = 30.0  # seconds that the other one may take
_clock = threading.Event()  # never set: its wait is a pause
MIDNIGHT = time(0)
EVERY_DAY = [1, 2, 3, 4, 5, 6, 7]
CAP = 100_000


class CannotStage(Exception):
    """The demo can't be set up, or not be removed now; `str()` says why."""


@dataclass(frozen=True)
class Cast:
    """Who plays: the people, and the tag that sets one run of the story apart ("" for the world that is always on)."""

    tag: str
    people: tuple[Person, ...]

    @property
    def label(self) -> str:
        """The tag on the people of this cast."""
        return f"demo-{self.tag}" if self.tag else "demo-world"

    @property
    def sender(self) -> str:
        """The address the campaign writes from."""
        return f"partners.{self.tag}@lumentea.example" if self.tag else "partners@lumentea.example"

    def name(self, of: str) -> str:
        """A name of this cast's own for a row that must have one."""
        return f"Demo: {of} ({self.tag})" if self.tag else f"Demo: {of}"


@contextmanager
def alone() -> Iterator[None]:
    """One process at a time builds or removes a demo world. Raises CannotStage when the other one takes too long."""
    with connection.cursor() as cursor:
        for _ in range(int(PATIENCE * 2)):
            cursor.execute("SELECT pg_try_advisory_lock(%s)", [LOCK])
            if cursor.fetchone() == (True,):
                break
            _clock.wait(0.5)
        else:
            raise CannotStage("The demo world is being set up or removed right now: try again in a minute.")
    try:
        yield
    finally:
        with connection.cursor() as cursor:
            cursor.execute("SELECT pg_advisory_unlock(%s)", [LOCK])


@contextmanager
def undisturbed() -> Iterator[bool]:
    """Yields False while a world is being built or removed; else nobody begins to before the block ends."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_try_advisory_lock_shared(%s)", [LOCK])
        free = cursor.fetchone() == (True,)
    try:
        yield free
    finally:
        if free:
            with connection.cursor() as cursor:
                cursor.execute("SELECT pg_advisory_unlock_shared(%s)", [LOCK])


def campaign_of(cast: Cast) -> Campaign | None:
    """The campaign of an earlier start, if there is one."""
    return Campaign.objects.filter(name=cast.name("tea affiliates"), is_demo=True).first()


def mailbox_of(cast: Cast) -> Mailbox | None:
    """The mailbox of an earlier start, if there is one."""
    return Mailbox.objects.filter(from_address=cast.sender, is_demo=True).first()


def ensure(world: "World", *, cast: Cast, now: datetime, by: User | None = None) -> Campaign:
    """The cast's campaign, running, its mailbox on the world's servers. A second call only mends the mailbox.

    Raises CannotStage.
    """
    campaign = campaign_of(cast)
    if campaign is None:
        world.records.set_aside()  # what an earlier database knew
    mailbox = _mailbox(world, cast)
    wrong = sending.check(mailbox=mailbox, now=now)
    if wrong:
        raise CannotStage(" ".join(wrong))
    if campaign is None:
        campaign = _write_campaign(cast, mailbox, by)
    if campaign.state == Campaign.State.DRAFT:
        _bring_in_people(cast, by=by)
        launched = lifecycle.launch(campaign=campaign, now=now, by=by)
        log.info("demo_campaign_launched", campaign=str(campaign), enrolled=launched.enrolled)
    return campaign


def close(cast: Cast) -> None:
    """Takes a finished run's campaign and mailbox out of service."""
    campaign, mailbox = campaign_of(cast), mailbox_of(cast)
    if campaign is not None:
        lifecycle.pause(campaign=campaign, reason="The run is over.", by=None)
    if mailbox is not None:
        mailbox.status = Mailbox.Status.RETIRED
        mailbox.imap_host = ""
        mailbox.save(update_fields=["status", "imap_host"])


def _mailbox(world: "World", cast: Cast) -> Mailbox:
    password = world.open_mailbox(cast.sender)
    peers = {
        "smtp_host": HOST,
        "smtp_port": world.smtp.port,
        "smtp_security": "none",
        "imap_host": HOST,
        "imap_port": world.imap.port,
        "imap_security": "none",
        "imap_username": cast.sender,
        "imap_password": password,
    }
    fixed = {"name": cast.name("partners")[:100], "from_name": "Mira Castell", "daily_cap": CAP, "gap_seconds": 0}
    mailbox, created = Mailbox.objects.get_or_create(
        from_address=cast.sender, defaults={**peers, **fixed, "is_demo": True}
    )
    if not mailbox.is_demo:
        raise CannotStage(f"The address {cast.sender} belongs to a real mailbox.")
    if not created:
        Mailbox.objects.filter(pk=mailbox.pk).update(**peers)
        mailbox.refresh_from_db()
    return mailbox


@transaction.atomic
def _write_campaign(cast: Cast, mailbox: Mailbox, by: User | None) -> Campaign:
    program, _ = Program.objects.get_or_create(
        name=PROGRAM,
        defaults={
            "merchant": "Lumen Tea Ltd",
            "website": "https://lumentea.example/",
            "postal_address": "Lumen Tea Ltd, 12 Harbour Row, Exampleton EX1 2MP, United Kingdom",
        },
    )
    condition = [
        {"field": "is_demo", "op": "is", "value": True},
        {"field": "tags", "op": "contains", "value": cast.label},
    ]
    segment, _ = Segment.objects.get_or_create(name=cast.name("people"), defaults={"filter": {"all": condition}})
    campaign = lifecycle.create_campaign(
        name=cast.name("tea affiliates"),
        program=program,
        segment=segment,
        mailbox=mailbox,
        skip_holidays=False,  # the world answers on any day
        by=by,
        is_demo=True,
    )
    for content in sequence.STEPS:
        lifecycle.add_step(
            campaign=campaign,
            template=_template(content, by),
            delay=content.delay,
            delay_unit="minutes",
            window_start=MIDNIGHT,
            window_end=MIDNIGHT,
            weekdays=EVERY_DAY,
            by=by,
        )
    return campaign


def template_name(content: sequence.Content) -> str:
    """Under which name a step's message is kept."""
    return f"Demo: {content.name}"


def _template(content: sequence.Content, by: User | None) -> Template:
    name = template_name(content)
    known = Template.objects.filter(name=name).first()
    if known is not None:
        return known
    return versions.create_template(name=name, subject=content.subject, text=content.text, html=content.html, by=by)


def _bring_in_people(cast: Cast, *, by: User | None) -> None:
    batch = import_file(
        source=io.BytesIO(people.as_csv(people.tagged(person, cast.tag) for person in cast.people)),
        file_name=cast.name("prospects.csv"),
        by=by,
        source_name="Demo",
        is_demo=True,
        tags=(cast.label,),
    )
    there = Prospect.objects.filter(is_demo=True, tags__contains=[cast.label]).count()
    if there != len(cast.people):
        rejected = f"the import rejected {batch.rejected} rows"
        raise CannotStage(f"{there} of {len(cast.people)} demo people are there: {rejected}.")
