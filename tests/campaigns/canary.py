"""A person of whom something is known in every table, with a canary in every field that says something about them."""

from datetime import date

import pghistory
from django.contrib.admin.models import CHANGE, LogEntry
from django.contrib.contenttypes.models import ContentType
from django.contrib.postgres.fields import ArrayField
from django.db import connection, models

import accounts.privacy
import campaigns.privacy
import integrations.privacy
import prospects.privacy
from accounts.models import IdempotentAnswer
from campaigns import lifecycle, planning, stopping
from campaigns.models import Decision, Enrollment, Event, Message, PersonalText, Reply, SendingControl
from integrations.models import InboundEvent
from outreach.lib import history
from prospects.models import (
    Address,
    Duplicate,
    Engagement,
    File,
    ImportBatch,
    ImportChange,
    ImportChunk,
    ImportRow,
    Merge,
    Note,
    PrivacyRecord,
    Prospect,
    SavedMapping,
    Site,
    Stage,
    StageChange,
    Suppression,
)
from tests import factories

TOKEN = "kanarie7q"
ADDRESS = f"{TOKEN}@blog.example"
APPS = {"accounts": accounts, "campaigns": campaigns, "integrations": integrations, "prospects": prospects}
SPELT = {  # fields whose form means something
    "Prospect.email": ADDRESS,
    "Prospect.x_handle": TOKEN,
    "Prospect.linkedin_url": f"https://linkedin.com/in/{TOKEN}",
    "Address.email": f"second-{ADDRESS}",
    "Message.recipient": f"third-{ADDRESS}",
    "Reply.sender": f"fourth-{ADDRESS}",
}
# Made of what stands beside them, and hashed.
UNTOUCHED = ("Prospect.contact_keys", "Address.key", "Prospect.identity_key")


def held():
    return [(app, held) for app, module in APPS.items() for held in getattr(module.privacy, "HELD", ())]


def mentions():
    return [mention for module in APPS.values() for mention in module.privacy.MENTIONS]


def write_about(now):
    """The person, and a second row that was merged into them."""
    person = factories.ProspectFactory(email=ADDRESS, x_handle=TOKEN, linkedin_url=f"https://linkedin.com/in/{TOKEN}")
    twin = factories.ProspectFactory(email=f"twin-{ADDRESS}", first_name=f"Twin {TOKEN}")
    campaign = factories.campaign(steps=2, mailbox=factories.MailboxFactory(verified_at=now))
    lifecycle.launch(campaign=campaign, now=now, by=None)
    planning.plan(now=now)
    stopping.stop_enrollments(prospect=twin, reason="merged")
    Message.objects.filter(prospect=person).update(state="sent", marked_at=now, handed_over_at=now)
    _what_came_back(person, Message.objects.get(prospect=person), now)
    _what_is_kept(person, twin, campaign.program, now)
    _what_mentions(person, now)
    with pghistory.context(user=1, url="/prospects/"):
        Prospect.objects.filter(pk=person.pk).update(person=None, company="Before")
    Prospect.objects.filter(pk=twin.pk).update(person=person)
    return person, twin


def _what_came_back(person, message, now):
    inbound = InboundEvent.objects.create(source="imap", digest="d" * 64, raw=f"I am {TOKEN}".encode(), applied_at=now)
    event, _ = Event.record_once(kind="replied", message=message, occurred_at=now, dedupe_key="k", inbound=inbound)
    Reply.objects.create(prospect=person, message=message, event=event, reply_class="positive", received_at=now)
    PersonalText.objects.create(message=message, text="x", written_at=now)
    Decision.objects.create(enrollment=message.enrollment, step_key="s", verdict="hold", rule="x", decided_at=now)


def _what_is_kept(person, twin, program, now):
    other = factories.ProspectFactory()
    Note.objects.create(prospect=person, text="x")
    File.objects.create(prospect=person, name="x", size=1, data=b"x")
    Address.objects.create(prospect=person, email="x", key="x")
    Stage.objects.create(prospect=person, program=program, name="replied", changed_at=now)
    StageChange.objects.create(
        prospect=person, program=program, old="contacted", new="replied", why="x", changed_at=now
    )
    Engagement.objects.create(prospect=person, contacted_at=now)
    Merge.objects.create(survivor=person, merged=twin, reason="x", applied_at=now)
    Duplicate.objects.create(first=person, second=other, reason="x", score=1)
    batch = ImportBatch.objects.create(file_name="x", status="done")
    ImportChange.objects.create(batch=batch, prospect=person, before={})
    Prospect.objects.filter(pk=person.pk).update(notice_date=date(2026, 1, 1), held_at=now)


def _what_mentions(person, now):
    batch = ImportBatch.objects.create(file_name="x", status="done")
    ImportRow.objects.create(batch=batch, line=2, reason="x")
    waiting = ImportBatch.objects.create(file_name="list.csv", status="uploaded")
    ImportChunk.objects.create(batch=waiting, number=0, data=f"Email\n{ADDRESS.upper()}\n".encode("utf-16"))
    SavedMapping.objects.create(name="x")
    factories.SegmentFactory(name="Just one")
    Site.objects.create(domain="somebody-else.example", held_at=now)
    Suppression.objects.create(kind="domain", key="domain:firm.example", value="firm.example", reason="manual")
    Suppression.objects.create(kind="x", key=person.contact_keys[-2], value=TOKEN, reason="manual", source=TOKEN)
    Suppression.objects.filter(source=TOKEN).update(source=f"again {TOKEN}")
    Site.objects.filter(domain="somebody-else.example").update(hold_reason="x")
    Site.objects.filter(pk=person.site_id).update(hold_reason=TOKEN)
    PrivacyRecord.objects.create(action="exported", subject=person.public_id)
    InboundEvent.objects.create(source="imap", digest="e" * 64, raw=b"x", applied_at=now)
    SendingControl.objects.create()
    IdempotentAnswer.objects.create(caller="key:1", key="k", fingerprint="f")
    kind = ContentType.objects.get_for_model(Prospect)
    by = factories.UserFactory(role="administrator")
    LogEntry.objects.create(user=by, content_type=kind, object_id=str(person.pk), object_repr=TOKEN, action_flag=CHANGE)
    LogEntry.objects.create(user=by, object_repr="x", action_flag=CHANGE)


def plant(people, personal):
    """Puts the canary into every field that can hold it; returns the names of those fields."""
    planted, ids = set(), [person.pk for person in people]
    for app, each in held():
        rows = each.rows(ids)
        known = [other.rows(ids).exists() for _, other in held() if other.model is each.model]
        assert any(known), f"nothing is written about the person in {each.model.__name__}"
        wanted = personal[f"{app}.{each.model.__name__}"]
        for field in each.model._meta.concrete_fields:
            name = f"{each.model.__name__}.{field.name}"
            value = SPELT.get(name) or spelt(field, TOKEN)
            if field.name not in wanted or value is None or name in UNTOUCHED:
                continue
            row = rows.filter(pk=people[0].pk) if each.path == "pk" else rows.order_by("-pk")[:1]
            with history.redacting():
                each.model.objects.filter(pk__in=list(row.values_list("pk", flat=True))).update(**{field.name: value})
            planted.add(name)
    for mention in mentions():
        row = mention.model.objects.order_by("-pk").first()
        for name in (*mention.whole, *mention.words):
            value = spelt(mention.model._meta.get_field(name), f"about {ADDRESS}, again")
            with history.redacting():
                type(row).objects.filter(pk=row.pk).update(**{name: value})
            planted.add(f"{mention.model.__name__}.{name}")
    return planted


def spelt(field, text):
    """None for what can't say it: dates, numbers, links, choices, and codes of few letters."""
    if isinstance(field, ArrayField):
        return [text]
    if isinstance(field, models.JSONField):
        return {"said": [{text: text}]}
    if isinstance(field, models.BinaryField):
        return b"\x00\xff" + text.encode() + b"\x00"
    if not isinstance(field, models.CharField | models.TextField) or field.choices:
        return None
    return text if (field.max_length or 999) >= len(text) else None


def about(person):
    """Every row that tells of somebody, in whatever table."""
    words = {person.email, str(person.public_id), person.identity_key}
    return {name: [row for row in rows if any(word in row for word in words)] for name, rows in dump().items()}


def dump():
    """All that the database holds, table by table, as text."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT tablename FROM pg_tables WHERE schemaname = 'public' ORDER BY 1")
        tables = [name for (name,) in cursor.fetchall()]
        found = {}
        for table in tables:
            cursor.execute(f'SELECT t::text FROM "{table}" t')
            found[table] = [row for (row,) in cursor.fetchall()]
    return found


def found_in(tables):
    """The tables that still know the canary, in letters or as the bytes of a file."""
    words = {TOKEN, TOKEN.encode().hex(), *(TOKEN.encode(code).hex() for code in ("utf-16-le", "utf-16-be"))}
    words |= {TOKEN.upper().encode("utf-16-le").hex()}
    return {name: row for name, rows in tables.items() for row in rows if any(word in row.lower() for word in words)}


def counted():
    """What analytics counts of the ledger."""
    return (
        sorted(Message.objects.values_list("state", "outcome", "step_key", "campaign", "handed_over_at")),
        sorted(Event.objects.values_list("kind", "message", "occurred_at")),
        sorted(Reply.objects.values_list("reply_class", "received_at")),
        Enrollment.objects.count(),
    )
