from datetime import date, timedelta

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from django.urls import reverse
from django.utils import timezone

from campaigns import enrolling
from campaigns.models import Enrollment, Message
from prospects import files, following_up
from prospects.models import File, Note, Prospect, Site, Stage, StageChange, Suppression
from tests import factories

pytestmark = pytest.mark.django_db


@pytest.fixture
def person(db):
    return factories.ProspectFactory(first_name="Ada")


@pytest.fixture
def mia(client):
    user = factories.UserFactory(role="manager", username="mia")
    client.force_login(user)
    return user


@pytest.fixture
def do(client, mia):
    def post(route, subject, **fields):
        response = client.post(reverse(route, args=[subject.public_id]), fields, follow=True)
        assert response.status_code == 200
        return response.content.decode()

    return post


def shown(client, person):
    return client.get(reverse("prospect", args=[person.public_id])).content.decode()


def test_says_who_looks_after_them(client, do, mia, person):
    said = do("prospect-owner", person, owner="mia")
    assert "mia looks after Ada now" in said
    assert Prospect.objects.get(pk=person.pk).owner == mia
    assert "Who looks after" in do("prospect-owner", person, owner="nobody-like-this")


def test_protects_and_lets_only_the_owner_or_a_manager_lift_it(client, do, person):
    owner, other = factories.UserFactory(role="operator"), factories.UserFactory(role="operator")
    Prospect.objects.filter(pk=person.pk).update(owner=owner)
    client.force_login(other)
    assert "is protected" in do("prospect-protect", person)
    assert f"Ask {owner} first" in shown(client, person)
    assert "has to lift that" in do("prospect-unprotect", person)
    assert Prospect.objects.get(pk=person.pk).protected_at
    client.force_login(owner)
    assert "not protected any more" in do("prospect-unprotect", person)
    assert Prospect.objects.get(pk=person.pk).protected_at is None


def test_does_not_let_somebody_take_over_who_is_protected_in_order_to_lift_it(client, do, person):
    client.force_login(factories.UserFactory(role="operator", username="eve"))
    do("prospect-protect", person)
    assert "A manager has to say who looks after them" in do("prospect-owner", person, owner="eve")
    assert "has to lift that" in do("prospect-unprotect", person)
    assert Prospect.objects.get(pk=person.pk).protected_at


def test_leaves_who_is_protected_out_when_many_are_given_to_somebody(client, person):
    client.force_login(factories.UserFactory(role="operator", username="eve"))
    other, there = factories.ProspectFactory(), factories.ProspectFactory()
    Prospect.objects.filter(pk=person.pk).update(protected_at=timezone.now())
    Site.objects.filter(pk=there.site_id).update(protected_at=timezone.now())
    ids = [str(each.public_id) for each in (person, other, there)]
    said = {"action": "owner", "owner": "eve", "id": ids, "sure": "1"}
    page = client.post(reverse("prospects-act"), said, follow=True).content.decode()
    assert "1 person looked after by eve now." in page
    assert "2 people are protected: their owner or a manager has to do that." in page
    assert Prospect.objects.get(owner__username="eve") == other


def test_takes_a_protection_back_at_once(client, do, person):
    assert reverse("prospect-unprotect", args=[person.public_id]) in do("prospect-protect", person)
    assert reverse("prospect-protect", args=[person.public_id]) in do("prospect-unprotect", person)


def test_keeps_a_next_step_shows_it_when_due_and_notes_that_it_is_done(client, do, mia, person):
    yesterday = timezone.localdate() - timedelta(days=1)
    do("prospect-next-step", person, text="Call about the contract", due=yesterday.isoformat())
    assert "Next step overdue" in shown(client, person)
    today = client.get(reverse("today")).content.decode()
    assert "Call about the contract" in today
    assert "was due" in today
    do("prospect-next-step-done", person)
    note = Note.objects.get()
    assert (note.text, note.created_by) == ("Done: Call about the contract", mia)
    assert "Call about" not in client.get(reverse("today")).content.decode()


def test_loses_nothing_typed_when_the_day_is_missing(do, person):
    said = do("prospect-next-step", person, text="Call about the contract", due="soon")
    assert "Enter a valid date" in said
    assert 'value="Call about the contract"' in said


def test_shows_my_own_next_steps_first(client, mia):
    for number in range(8):
        other = factories.ProspectFactory(first_name=f"Other{number}")
        following_up.set_next_step(prospect=other, text="Call", due=date(2026, 1, 1), by=None)
    mine = factories.ProspectFactory(first_name="Mine", owner=mia)
    following_up.set_next_step(prospect=mine, text="Write", due=timezone.localdate(), by=None)
    later = factories.ProspectFactory(first_name="Later", owner=mia)
    following_up.set_next_step(prospect=later, text="Wait", due=timezone.localdate() + timedelta(days=1), by=None)
    page = client.get(reverse("today")).content.decode()
    assert page.index("Mine") < page.index("Other0")
    assert "Later" not in page
    assert "There are more" in page


def test_changes_a_stage_and_tells_it_on_the_timeline(client, do, person):
    program = factories.ProgramFactory(name="Tea")
    do("prospect-stage", person, program=program.public_id, stage="joined", why="Signed the contract")
    assert Stage.objects.get().name == "joined"
    page = shown(client, person)
    assert "Joined in Tea by mia" in page
    assert "Signed the contract" in page
    assert "This field is required" in do("prospect-stage", person, program=program.public_id, stage="joined")
    assert StageChange.objects.count() == 1


def test_keeps_a_file_and_gives_it_back_only_as_a_download(client, do, person):
    upload = SimpleUploadedFile("../Vertrag <b>.html", b"<script>alert(1)</script>", content_type="text/html")
    do("prospect-file-add", person, file=upload)
    kept = File.objects.get()
    assert kept.name == "Vertrag <b>.html"
    answer = client.get(reverse("file", args=[kept.public_id]))
    assert answer.content == b"<script>alert(1)</script>"
    assert answer["Content-Type"] == "application/octet-stream"
    assert answer["Content-Disposition"].startswith("attachment")
    assert answer["X-Content-Type-Options"] == "nosniff"
    assert "Vertrag &lt;b&gt;" in shown(client, person)
    assert "Delete Vertrag" in client.get(reverse("file-delete", args=[kept.public_id])).content.decode()
    do("file-delete", kept)
    assert not File.objects.exists()


@pytest.mark.parametrize(
    ("data", "words"), [(b"", "empty"), (b"x" * (files.LARGEST + 1), "at most 5 MB")], ids=["empty", "large"]
)
def test_refuses_a_file_it_cannot_keep(do, person, data, words):
    assert words in do("prospect-file-add", person, file=SimpleUploadedFile("a.bin", data))
    assert not File.objects.exists()


def test_asks_for_a_file_where_none_was_chosen(do, person):
    assert "Choose a file first" in do("prospect-file-add", person)


def test_never_contacts_a_company_again(running, client, do):
    world = running(people=1)
    person = world.prospects[0]
    world.tick()
    colleague = factories.ProspectFactory(email=f"bo@sub.{person.site.domain}")
    site = Site.objects.get(pk=person.site_id)
    asked = client.get(reverse("site-stop", args=[site.public_id])).content.decode()
    assert "2 people are known there, 1 of them under way" in asked
    assert "required" in do("site-stop", site)
    do("site-stop", site, reason="Their lawyer wrote")
    site.refresh_from_db()
    assert site.stopped_at
    row = Suppression.objects.get(value=site.domain)
    assert (row.kind, row.source, row.created_by.username) == ("domain", "Their lawyer wrote", "mia")
    assert Enrollment.objects.get(prospect=person).state == "stopped"
    world.tick(days=2)
    assert Message.objects.filter(state="sent").count() == 1
    assert "Never contact this company" not in shown(client, colleague)


def test_lets_a_whole_company_be_written_to_again_when_the_stop_was_a_mistake(running, client, do):
    world = running(people=1)
    site, colleague = world.prospects[0].site, factories.ProspectFactory(email=f"bo@{world.prospects[0].site.domain}")
    do("site-stop", site, reason="Their lawyer wrote")
    assert "is off the list" in do("suppression-lift", Suppression.objects.get(), note="Another company")
    assert Site.objects.get(pk=site.pk).stopped_at is None
    assert enrolling.enroll_segment(campaign=world.campaign, now=world.now, by=None) == 1
    world.tick()
    assert [mail.recipient for mail in world.smtp.received] == [colleague.email]
    note = Note.objects.get(prospect=colleague)
    assert "Another company" in note.text
    assert "Their lawyer wrote" in note.text


@pytest.mark.parametrize("domain", ["gmail.com", "youtube.com"])
def test_offers_no_stop_of_a_domain_that_strangers_share(client, do, person, domain):
    site = Site.objects.create(domain=domain)
    Prospect.objects.filter(pk=person.pk).update(site=site)
    assert "Never contact this company" not in shown(client, person)
    assert "Strangers share" in do("site-stop", site, reason="A mistake")
    assert not Suppression.objects.exists()


def test_protects_a_whole_site(client, do, person):
    do("site-protect", person.site)
    assert "Site: ask first" in shown(client, person)
    client.force_login(factories.UserFactory(role="operator"))
    assert "has to lift that" in do("site-unprotect", person.site)
    whose = factories.UserFactory(role="operator")
    Prospect.objects.filter(pk=person.pk).update(owner=whose)
    client.force_login(whose)
    assert "not protected any more" in do("site-unprotect", person.site)
    assert Site.objects.get(pk=person.site_id).protected_at is None


def test_hands_over_everybody_of_one_colleague(client, mia):
    gone, bo = factories.UserFactory(username="gone", is_active=False), factories.UserFactory(username="bo")
    for _ in range(3):
        Prospect.objects.filter(pk=factories.ProspectFactory().pk).update(owner=gone)
    other = factories.ProspectFactory(owner=mia)
    page = reverse("settings-hand-over")
    assert "Hand over 3 people?" in client.post(page, {"owner": "gone", "to": "bo"}).content.decode()
    assert not Prospect.objects.filter(owner=bo).exists()
    done = client.post(page, {"owner": "gone", "to": "bo", "sure": "1"}, follow=True).content.decode()
    assert "3 people handed over from gone to bo" in done
    assert Prospect.objects.filter(owner=bo).count() == 3
    assert Prospect.objects.get(pk=other.pk).owner == mia
    assert "gone looks after nobody" in client.post(page, {"owner": "gone", "to": "bo"}).content.decode()
    assert "Choose two different" in client.post(page, {"owner": "bo", "to": "bo"}).content.decode()


def test_shows_what_a_viewer_may_only_read(client, person):
    client.force_login(factories.UserFactory(role="viewer"))
    page = shown(client, person)
    assert "Relationship" in page
    for words in ("Set the next step", "Add a file", "Never contact this company", "Proof file"):
        assert words not in page
