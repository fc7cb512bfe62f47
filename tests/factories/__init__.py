"""Builders for test rows; each makes what the product's own verbs would make."""

from datetime import time

import factory
from factory.django import DjangoModelFactory

from accounts.models import User
from campaigns import lifecycle
from integrations.models import Mailbox
from outreach.lib.models import DatabaseClock
from prospects import editing
from prospects.models import Program, Prospect, Segment
from templates import versions

TEXT = """Hello {{ first_name | default: 'there' }},

a word about {{ program }}.

{{ postal_address }}
Stop: {{ unsubscribe_url }}
"""


class UserFactory(DjangoModelFactory):
    class Meta:
        model = User

    username = factory.Sequence(lambda n: f"user{n}")
    role = "manager"


class ProgramFactory(DjangoModelFactory):
    class Meta:
        model = Program

    name = factory.Sequence(lambda n: f"Program {n}")
    merchant = "Acme"
    website = "https://acme.example/"
    postal_address = "Acme Ltd, 1 High Street, London"


class Fresh(str):
    """An address that nobody can have: the sequence made it a moment ago."""


class ProspectFactory(DjangoModelFactory):
    """Through the verb: the keys and the site are as in real life."""

    class Meta:
        model = Prospect

    email = factory.Sequence(lambda n: Fresh(f"person{n}@site{n}.example"))
    first_name = factory.Sequence(lambda n: f"Person{n}")

    @classmethod
    def _create(cls, model_class, *args, **kwargs):
        if not isinstance(kwargs["email"], Fresh) or kwargs.keys() & {"x_handle", "linkedin_url"}:
            return editing.add_prospect(by=None, **kwargs)
        made = Prospect()  # the same without a look for somebody who has that address, which takes twice as long
        editing._fill(made, editing._cleaned(kwargs))
        return editing._stored(made)


class SegmentFactory(DjangoModelFactory):
    class Meta:
        model = Segment

    name = factory.Sequence(lambda n: f"Segment {n}")
    filter = factory.LazyFunction(dict)


class MailboxFactory(DjangoModelFactory):
    """Reaches nobody: ports that no server listens on."""

    class Meta:
        model = Mailbox

    name = factory.Sequence(lambda n: f"Mailbox {n}")
    from_name = "Ada Sender"
    from_address = factory.Sequence(lambda n: f"ada{n}@outreach.example")
    smtp_host = imap_host = "127.0.0.1"
    smtp_port = imap_port = 1
    smtp_security = imap_security = "none"
    imap_username = factory.SelfAttribute("from_address")
    imap_password = "secret"
    gap_seconds = 0
    daily_cap = 10_000
    is_demo = True
    polled_at = DatabaseClock()


def mailbox_on(smtp, imap, **fields):
    """A mailbox whose mail leaves and arrives through these two servers."""
    mailbox = MailboxFactory(smtp_port=smtp.port, imap_port=imap.port, **fields)
    imap.add_user(mailbox.imap_username, mailbox.imap_password)
    return mailbox


def template(**fields):
    number = UserFactory._meta.next_sequence()
    defaults = {"name": f"Template {number}", "subject": "Hello {{ first_name | default: 'there' }}", "text": TEXT}
    return versions.create_template(**{**defaults, **fields}, by=None)


def campaign(*, mailbox=None, steps=3, delay=1, delay_unit="days", says=None, **fields):
    """A draft campaign for everybody, open around the clock; `says` replaces parts of its templates."""
    number = UserFactory._meta.next_sequence()
    made = lifecycle.create_campaign(
        name=fields.pop("name", f"Campaign {number}"),
        program=fields.pop("program", None) or ProgramFactory(),
        segment=fields.pop("segment", None) or SegmentFactory(),
        mailbox=mailbox or MailboxFactory(),
        by=None,
        **fields,
    )
    for position in range(steps):
        subject = {} if position == 0 else {"subject": ""}
        content = {**subject, **(says or {})}
        lifecycle.add_step(
            campaign=made,
            template=template(**content),
            delay=delay if position else 0,
            delay_unit=delay_unit,
            window_start=time(0),
            window_end=time(0),
            weekdays=[1, 2, 3, 4, 5, 6, 7],
            by=None,
        )
    return made
