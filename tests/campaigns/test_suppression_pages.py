"""The list of whom we never write to: seen, searched, and added to with open eyes."""

import pytest
from django.urls import reverse

from campaigns import stopping
from campaigns.models import Enrollment, Event, Message, Reply
from prospects import suppression
from prospects.models import Note, Suppression
from tests import factories

ADD = "/settings/suppressions/add/"


@pytest.fixture
def page(client, db):
    client.force_login(factories.UserFactory(role="operator", first_name="Olga"))
    return client


def _suppress(value, kind="address", **fields):
    return stopping.suppress(kind=kind, value=value, reason="manual", **fields)


def _add(page, lines, **fields):
    return page.post(ADD, {"lines": lines, "reason": "declined", **fields}, follow=True).content.decode()


def test_says_what_to_do_when_nobody_is_suppressed(page):
    assert "Nobody is suppressed" in page.get(reverse("suppressions")).content.decode()


def test_finds_an_address_in_any_spelling_and_by_a_part(page):
    _suppress("Ada.Lovelace@gmail.com", source="on the telephone", by=factories.UserFactory(first_name="Bob"))
    _suppress("blog.example", kind="domain")
    for search, found in (
        ("adalovelace+x@googlemail.com", "Ada.Lovelace@gmail.com"),
        ("lovelace", "Ada.Lovelace@gmail.com"),
        ("BLOG.example", "blog.example"),
    ):
        said = page.get(reverse("suppressions"), {"q": search}).content.decode()
        assert f'<th scope="row" class="plain">{found}' in said
        assert said.count("<tr>") == 2
    said = page.get(reverse("suppressions"), {"q": "nobody@else.example"}).content.decode()
    assert "is not on the list" in said
    assert "?lines=nobody%40else.example" in said
    assert "Bob" in page.get(reverse("suppressions"), {"reason": "manual"}).content.decode()
    assert "for this reason" in page.get(reverse("suppressions"), {"reason": "bounced"}).content.decode()


def test_asks_as_often_for_many_rows_as_for_one(page, django_assert_num_queries):
    _suppress("one@a.example", by=factories.UserFactory())
    with django_assert_num_queries(7) as counted:  # session, user, list; what stands around each page
        page.get(reverse("suppressions"))
    for number in range(5):
        _suppress(f"p{number}@a.example", by=factories.UserFactory())
    with django_assert_num_queries(len(counted)):
        page.get(reverse("suppressions"))


def test_says_whom_it_concerns_before_anything_happens(page, running):
    world = running(people=3)
    domain = world.prospects[0].email.partition("@")[2]
    factories.ProspectFactory(email=f"second@{domain}")
    said = _add(page, f"{domain}\n{world.prospects[1].email}\nnobody\n\nx@new.example\ngmail.com\n{domain.upper()}")
    assert not Suppression.objects.exists()
    assert "<strong>3 people</strong>" in said
    assert "<strong>2</strong> of them are in running campaigns" in said
    assert "1 line can't be used" in said
    assert "“nobody”" in said
    assert "Anybody can have an address there" in said
    assert said.count('data-label="People"') == 4


def test_suppresses_when_that_is_confirmed_and_stops_campaigns(page, running):
    world = running(people=2)
    first = world.prospects[0].email
    said = _add(page, f"{first}\nnobody\nx@new.example", source="asked us", confirmed="1")
    assert "2 suppressed." in said
    stored = Suppression.objects.get(value=first)
    assert (stored.reason, stored.source, stored.created_by.first_name) == ("declined", "asked us", "Olga")
    assert Enrollment.objects.get(prospect=world.prospects[0]).stop_reason == "declined"
    assert Enrollment.objects.get(prospect=world.prospects[1]).state == "active"
    assert "0 suppressed. 1 had been on the list before." in _add(page, first, confirmed="1")


def test_reports_each_bad_line_beside_the_field(page):
    said = _add(page, "nobody\nftp://\n", confirmed="1")
    assert "Line 1: " in said
    assert "Line 2: " in said
    assert "At most 500 lines" in _add(page, "a.example\n" * 501)
    assert not Suppression.objects.exists()


def test_escapes_what_it_shows(page):
    said = _add(page, '<script>alert("x")</script>\na@b.example', source="<b>")
    assert "<script>alert" not in said
    assert "(&lt;b&gt;)" in said


def test_looks_many_lines_up_with_the_same_queries(page, django_assert_max_num_queries):
    for number in range(20):
        factories.ProspectFactory(email=f"p{number}@s{number}.example")
    lines = "\n".join(f"s{number}.example" for number in range(20))
    with django_assert_max_num_queries(9):  # session, user, three counts, the shell
        page.post(reverse("suppression-add"), {"lines": lines, "reason": "manual"})


@pytest.fixture
def manager(client, db):
    client.force_login(factories.UserFactory(role="manager", first_name="Mia", last_name=""))
    return client


def _lift(manager, row, note="a slip of the pen"):
    address = reverse("suppression-lift", args=[row.public_id])
    return manager.post(address, {"note": note}, follow=True).content.decode()


def _answer(message, reply_class, now):
    event, _ = Event.record_once(kind="replied", message=message, occurred_at=now, dedupe_key=f"r{message.pk}")
    words = {"sender": message.recipient, "reply_class": reply_class, "received_at": now}
    return Reply.objects.create(prospect=message.prospect, message=message, event=event, **words)


@pytest.mark.parametrize("reason", ["manual", "imported", "bounced"])
def test_lifts_a_mistake_with_a_reason_and_keeps_who_and_why(manager, running, reason):
    world = running(people=1)
    person = world.prospects[0]
    row, _ = stopping.suppress(kind="address", value=person.email, reason=reason, source="a list")
    listed = manager.get(reverse("suppressions")).content.decode()
    assert reverse("suppression-lift", args=[row.public_id]) in listed
    asked = manager.get(reverse("suppression-lift", args=[row.public_id])).content.decode()
    assert "about 1 person" in asked
    assert "stay ended" in asked
    assert "required" in _lift(manager, row, note=" ")
    assert "is off the list" in _lift(manager, row)
    assert not Suppression.objects.exists()
    note = Note.objects.get(prospect=person)
    assert "a slip of the pen" in note.text
    assert "a list" in note.text
    assert note.created_by.first_name == "Mia"
    assert Enrollment.objects.get().state == "stopped"
    world.tick(days=1)
    assert not world.smtp.received


@pytest.mark.parametrize("reason", ["unsubscribed", "complained", "declined"])
def test_never_lifts_what_the_person_asked_for(manager, reason):
    row, _ = stopping.suppress(kind="address", value="a@b.example", reason=reason)
    address = reverse("suppression-lift", args=[row.public_id])
    assert address not in manager.get(reverse("suppressions")).content.decode()
    assert "Only they can take that back" in _lift(manager, row)
    with pytest.raises(suppression.CannotLift):
        suppression.lift(suppression=row, note="x", by=None)
    assert Suppression.objects.exists()


def test_keeps_a_wish_that_came_after_a_mistake(manager, running):
    world = running(people=1)
    world.tick()
    message = Message.objects.order_by("pk").first()
    row, _ = _suppress(message.recipient)
    stopping.unsubscribe(message=message, source="page", now=world.now)
    row.refresh_from_db()
    assert (row.reason, row.source) == ("unsubscribed", "page")
    assert "stays" in _lift(manager, row)
    assert Suppression.objects.exists()


@pytest.mark.parametrize(("answer", "lifted"), [("negative", False), ("unsubscribe", False), ("question", True)])
def test_never_lifts_the_address_of_who_answered_no(manager, running, answer, lifted):
    world = running(people=1)
    world.tick()
    message = Message.objects.order_by("pk").first()
    _answer(message, answer, world.now)
    row, _ = _suppress(message.recipient)
    assert ("They answered no themselves" in _lift(manager, row)) is not lifted
    assert Suppression.objects.exists() is not lifted


def test_keeps_who_said_no_at_a_lifted_domain(manager, running):
    world = running(people=2)
    world.tick()
    message = Message.objects.order_by("pk").first()
    _answer(message, "negative", world.now)
    domain = message.recipient.partition("@")[2]
    friend = factories.ProspectFactory(email=f"friend@{domain}")
    row, _ = _suppress(domain, kind="domain")
    assert "1 person there said no themselves and stays out" in _lift(manager, row)
    kept = Suppression.objects.get()
    assert (kept.value, kept.reason) == (message.recipient, "declined")
    assert Note.objects.filter(prospect=friend).exists()


def test_lets_only_a_manager_lift(page):
    row, _ = _suppress("a@b.example")
    assert reverse("suppression-lift", args=[row.public_id]) not in page.get(reverse("suppressions")).content.decode()
    assert page.post(reverse("suppression-lift", args=[row.public_id]), {"note": "x"}).status_code == 403
