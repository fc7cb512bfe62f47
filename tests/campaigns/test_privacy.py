import io
import logging
from datetime import UTC, datetime

import openpyxl
import pytest
from django.db.models import ForeignKey

from campaigns import enrolling, inbound, planning, privacy, stopping
from campaigns.models import Enrollment, Event, Message, Reply
from integrations.models import InboundEvent
from outreach.lib import personal as lib
from prospects import identity, merging
from prospects.editing import InvalidProspect
from prospects.importing import uploading
from prospects.models import ImportBatch, ImportRow, PrivacyRecord, Prospect, Site, Suppression
from prospects.privacy import AlreadyErased
from tests import factories, racing
from tests.architecture import facts
from tests.campaigns import canary
from tests.campaigns.canary import ADDRESS, TOKEN

NOW = datetime(2026, 3, 4, 12, 0, tzinfo=UTC)
PERSONAL = facts.personal("PERSONAL")
MODELS = {model._meta.label: model for model in facts.our_models()}


def plan(label, name):
    """What an erasure does with a field that is listed as personal; None when nobody thought of it."""
    app, _, model = label.partition(".")
    module = facts.importlib.import_module(f"{app}.privacy")
    field = MODELS[label]._meta.get_field(name)
    if lib.is_colleague(field) or name in module.COLLEAGUES.get(model, ()):
        return "colleague"
    for held in getattr(module, "HELD", ()):
        if held.model is MODELS[label]:
            return "goes" if held.goes else "emptied" if field in lib.emptied(held, lists_of(app)) else "link"
    for mention in getattr(module, "MENTIONS", ()):
        if mention.model is MODELS[label] and name in (*mention.whole, *mention.words):
            return "mention"
    return "own rule" if name in getattr(module, "OWN_RULES", {}).get(model, ()) else None


def lists_of(app):
    return facts.importlib.import_module(f"{app}.personal").PERSONAL


def wanted():
    """The fields that an erasure sees to and that can hold a text."""
    fields = ((label, name) for label, names in PERSONAL.items() for name in names)
    return {
        f"{label.partition('.')[2]}.{name}"
        for label, name in fields
        if plan(label, name) in ("goes", "emptied", "mention")
        and canary.spelt(MODELS[label]._meta.get_field(name), TOKEN) is not None
    }


def erase(person, **said):
    return privacy.erase(**{"prospect": person, "reason": "asked by telephone", "by": None, "now": NOW, **said})


@pytest.fixture
def known(db, now):
    """The person and their twin, a canary in every field, and somebody who must not change."""
    bystander = factories.ProspectFactory(first_name="Bystander", email="bystander@other.example")
    people = canary.write_about(now)
    planted = canary.plant(people, PERSONAL)
    return [Prospect.objects.get(pk=person.pk) for person in people], bystander, planted


def test_has_a_plan_for_every_personal_field():
    plans = {f"{label}.{name}": plan(label, name) for label, names in PERSONAL.items() for name in names}
    assert [name for name, found in plans.items() if found is None] == []
    for name in (name for name, found in plans.items() if found == "link"):
        label, _, field = name.rpartition(".")
        assert isinstance(MODELS[label]._meta.get_field(field), ForeignKey), name


def test_leaves_nothing_of_the_person_in_any_table_or_log(known, manager, caplog):
    caplog.set_level(logging.INFO)
    (person, _), bystander, planted = known
    assert wanted() - planted - set(canary.UNTOUCHED) == set()
    assert len(canary.found_in(canary.dump())) > 20
    counts, theirs = canary.counted(), canary.about(bystander)

    erase(person, reason=f"{ADDRESS} wrote to us", by=manager)

    assert canary.found_in(canary.dump()) == {}
    assert TOKEN not in caplog.text
    assert canary.counted() == counts
    assert canary.about(bystander) == theirs


def test_empties_what_is_no_text_too_and_everybody_who_was_merged(known):
    (person, twin), _, _ = known
    erase(twin)
    for app, held in canary.held():
        rows = held.rows([person.pk, twin.pk])
        names = [field.name for field in lib.emptied(held, lists_of(app)) if field.name not in held.instead]
        left = [getattr(row, name) for row in rows for name in names]
        assert not (held.goes and left), held.model
        assert not any(value for value in left if not isinstance(value, memoryview) or bytes(value)), held.model
    rows = Prospect.objects.filter(pk__in=[person.pk, twin.pk])
    assert [row.erased_at for row in rows] == [NOW, NOW]
    assert not Prospect.objects.present().filter(pk__in=rows).exists()
    assert PrivacyRecord.objects.filter(action="erased").count() == 2


@pytest.mark.parametrize(
    "address",
    [ADDRESS, ADDRESS.upper(), f"\u00a0second-{ADDRESS}", ADDRESS.replace("@", "+tag@"), f"third-{ADDRESS}"],
)
def test_keeps_a_hash_of_every_address_and_page_and_nothing_else(known, address):
    (person, _), _, _ = known
    erase(person)
    found = Suppression.objects.get(key=identity.key_for("address", address))
    assert (found.value, found.source, found.reason, found.expires_at) == ("", "", "erased", None)
    for kind, value in (("x", f"@{TOKEN.upper()}"), ("linkedin", f"https://de.linkedin.com/in/{TOKEN}/")):
        assert Suppression.objects.get(key=identity.key_for(kind, value)).reason == "erased"


def test_never_plans_for_them_again_however_they_come_back(known, now):
    (person, _), _, _ = known
    campaign = Message.objects.filter(prospect=person).first().campaign
    erase(person)
    with pytest.raises(InvalidProspect, match="forgotten"):
        factories.ProspectFactory(email=f"Third-{ADDRESS}")
    back = factories.ProspectFactory(email="new@site.example")
    address = f"Third-{ADDRESS}"
    Prospect.objects.filter(pk=back.pk).update(email=address, contact_keys=identity.contact_keys(email=address))
    enrolling.enroll_segment(campaign=campaign, now=now, by=None)
    planning.plan(now=now)
    assert not Message.objects.filter(prospect=back).exists()
    assert not Enrollment.objects.filter(prospect=back, state="active").exists()


def test_ends_what_is_under_way_first(known):
    (person, _), _, _ = known
    Enrollment.objects.filter(prospect=person).update(state="active", ended_at=None)
    Message.objects.filter(prospect=person).update(state="planned", marked_at=None, handed_over_at=None)
    assert erase(person) == 1
    assert Enrollment.objects.get(prospect=person).stop_reason == "erased"
    assert Message.objects.get(prospect=person).state == "cancelled"


def test_waits_for_a_mail_that_is_on_its_way_out_or_in(known):
    (person, _), _, _ = known
    Message.objects.filter(prospect=person).update(state="sending", lease_token=1)
    with pytest.raises(privacy.StillSending, match="handed over"):
        erase(person)
    Message.objects.filter(prospect=person).update(state="sent")
    InboundEvent.objects.create(source="imap", digest="f" * 64, raw=f"From: <{ADDRESS.upper()}>\n\nhello".encode())
    with pytest.raises(privacy.StillSending, match="came in"):
        erase(person)
    assert Prospect.objects.get(pk=person.pk).email == ADDRESS


def test_erases_two_of_one_campaign_and_none_twice(known, now):
    (person, _), bystander, _ = known
    erase(person)
    erase(bystander)
    with pytest.raises(AlreadyErased):
        erase(person)
    with pytest.raises(AlreadyErased):
        privacy.export_person(prospect=person, by=None, now=now)
    with pytest.raises(privacy.NoReason):
        erase(factories.ProspectFactory(), reason=" ")


def test_takes_an_unsubscription_after_the_erasure_as_done(known, now):
    (person, _), _, _ = known
    erase(person)
    message = Message.objects.select_related("prospect", "campaign").get(prospect=person)
    assert stopping.unsubscribe(message=message, source="page", now=now) is False


def test_keeps_nothing_of_a_mail_that_comes_after_the_erasure(known, now):
    (person, _), _, _ = known
    message_id = Message.objects.get(prospect=person).message_id
    erase(person)
    for number, extra in enumerate((f"In-Reply-To: {message_id}\n", "")):
        raw = f"From: {ADDRESS}\nSubject: hello\nMessage-ID: <{number}@x.example>\n{extra}\nI am {TOKEN}."
        InboundEvent.objects.create(source="imap", digest=str(number) * 64, raw=raw.encode())
    replies, events = Reply.objects.count(), Event.objects.count()
    inbound.apply_waiting(now=now)
    assert canary.found_in(canary.dump()) == {}
    assert (Reply.objects.count(), Event.objects.count()) == (replies, events)


def test_takes_no_word_of_somebody_with_a_similar_address(known):
    (person, _), _, _ = known
    batch = ImportBatch.objects.create(file_name="x", status="done")
    near = [f"not-{ADDRESS}", f"{ADDRESS}.au", f"x.{ADDRESS}"]
    rows = [ImportRow(batch=batch, line=number, reason="x", values={"Email": near[number]}) for number in range(3)]
    ImportRow.objects.bulk_create(rows)
    erase(person)
    assert [row.values["Email"] for row in ImportRow.objects.filter(batch=batch).order_by("line")] == near


def test_keeps_the_site_that_somebody_else_is_at_or_that_must_not_be_written_to(db):
    alone, one, two = (factories.ProspectFactory(email=f"a@{name}.example") for name in ("alone", "shared", "stopped"))
    factories.ProspectFactory(email="b@shared.example")
    Site.objects.filter(domain="stopped.example").update(stopped_at=NOW)
    for person in (alone, one, two):
        erase(person)
    assert set(Site.objects.values_list("domain", flat=True)) == {"shared.example", "stopped.example"}


def test_drops_a_waiting_workbook_that_names_them_and_no_other(db):
    for address in (ADDRESS, "other@tea.example"):
        book, packed = openpyxl.Workbook(), io.BytesIO()
        book.active.append(["Email"])
        book.active.append([address])
        book.save(packed)
        waiting = uploading.store(source=packed, file_name="list.xlsx", by=None, now=NOW)
    erase(factories.ProspectFactory(email=ADDRESS))
    assert ImportBatch.objects.get() == waiting


@pytest.mark.django_db(transaction=True)
@pytest.mark.parametrize("asked_as", [0, 1])
def test_erases_both_when_it_meets_their_merge(manager, asked_as):
    rows = [factories.ProspectFactory(email=f"{name}@x.example", first_name="Secret") for name in ("anna", "anne")]
    racing.meanwhile(
        lambda: erase(rows[asked_as], by=manager),
        under_way=lambda: merging.merge(survivor=rows[0], merged=rows[1], by=None, now=NOW),
    )
    assert {(row.first_name, row.email, row.erased_at) for row in Prospect.objects.all()} == {("", "", NOW)}
    assert Suppression.objects.filter(reason="erased").count() == 2
