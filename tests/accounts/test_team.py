"""People who work here: who sees them, who adds, changes and deactivates them, and the link for a password."""

import re
import threading
from datetime import timedelta

import pytest
import time_machine
from django.db import connection
from django.test import Client
from django.urls import reverse
from django.utils import timezone

from accounts import keys, team
from accounts.models import Role, User
from tests import factories

NEW = {"username": "ada", "first_name": "Ada", "last_name": "Lovelace", "email": "ada@home.example"}
PASSWORD = "correct horse battery"
CHOSEN = {"new_password1": PASSWORD, "new_password2": PASSWORD}


@pytest.fixture
def me(db):
    return factories.UserFactory(role="administrator", username="boss")


@pytest.fixture
def office(client, me):
    client.force_login(me)
    return client


@pytest.fixture
def ada(db):
    user = factories.UserFactory(role="operator", **NEW)
    user.set_password(PASSWORD)
    user.save()
    return user


def link_in(answer):
    assert "no-store" in answer["Cache-Control"]
    return re.search(r">(http[^<]+/sign-in/link/[^<]+)</textarea>", answer.content.decode())[1]


def opened(link, client=None):
    """The page behind a link, as a browser that follows it sees it, and its address."""
    client = client or Client()
    answer = client.get(link, follow=True)
    return client, answer, answer.redirect_chain[-1][0] if answer.redirect_chain else link


def _later(**delta):
    return timezone.now() + timedelta(**delta)


def address(route, person):
    return reverse(route, args=[person.pk])


def test_hands_over_the_public_address_or_says_that_it_works_here_only(office, settings):
    settings.PUBLIC_URL = "http://127.0.0.1:8000"
    here = office.post(reverse("team-add"), {**NEW, "role": "viewer"}, HTTP_HOST="localhost").content.decode()
    assert "http://localhost/sign-in/link/" in here
    assert "works only on this machine" in here
    settings.PUBLIC_URL = "https://outreach.acme.example"
    bea = {**NEW, "username": "bea", "email": "bea@home.example", "role": "viewer"}
    public = office.post(reverse("team-add"), bea, HTTP_HOST="localhost").content.decode()
    assert "https://outreach.acme.example/sign-in/link/" in public
    assert "works only on this machine" not in public


def test_adds_a_person_who_sets_a_password_by_the_link_and_is_signed_in(office):
    link = link_in(office.post(reverse("team-add"), {**NEW, "role": "operator"}))
    visitor, answer, form = opened(link)
    assert "ada" in answer.content.decode()
    assert "no-store" in answer["Cache-Control"]
    said = visitor.post(form, {"new_password1": "ada", "new_password2": "ada"}).content.decode()
    assert "too short" in said
    answer = visitor.post(form, {**CHOSEN, "time_zone": "Asia/Kathmandu"})
    assert (answer.status_code, answer.url) == (302, reverse("today"))
    assert visitor.get(reverse("today")).status_code == 200
    ada = User.objects.get(username="ada")
    assert {field: getattr(ada, field) for field in NEW} == NEW
    assert (ada.role, ada.time_zone, ada.is_superuser) == ("operator", "Asia/Kathmandu", False)
    assert Client().login(username="ada", password=PASSWORD)


def test_says_beside_the_field_what_is_wrong_with_a_new_person(office, ada):
    form = {**NEW, "username": "ADA", "role": "operator"}
    assert team.TAKEN in office.post(reverse("team-add"), form).content.decode()
    said = office.post(reverse("team-add"), {"username": "a b", "email": "x", "role": "emperor"}).content.decode()
    for sentence in ("Enter a valid username", "Enter a valid email", "Select a valid choice"):
        assert sentence in said
    assert User.objects.count() == 2


def test_explains_each_role_beside_its_choice(office, ada):
    for page in (reverse("team-add"), address("team-person", ada), reverse("api-key-add")):
        said = office.get(page).content.decode()
        assert all(f"<strong>{role.label}</strong>" in said for role in Role)
        assert "stops all sending" in said


def test_a_link_works_once_for_its_person_alone_and_for_three_days(office, ada):
    link = link_in(office.post(address("team-link", ada)))
    second = link_in(office.post(address("team-link", ada)))
    other = factories.UserFactory()
    mine = link_in(office.post(address("team-link", other)))
    swapped = "/".join([*mine.split("/")[:-3], mine.split("/")[-3], *link.split("/")[-2:]])
    assert opened(swapped)[1].status_code == 410
    with time_machine.travel(_later(hours=71)):
        assert opened(link)[1].status_code == 200
    with time_machine.travel(_later(hours=73)):
        assert "This link has ended" in opened(link)[1].content.decode()
    visitor, _, form = opened(link)
    assert visitor.post(form, CHOSEN).status_code == 302
    assert opened(link)[1].status_code == 410
    assert opened(second)[1].status_code == 410
    assert Client().get(form).status_code == 410


def test_gives_another_role_from_the_next_request_on(office, ada):
    theirs = Client()
    theirs.force_login(ada)
    assert theirs.get(reverse("mailbox-add")).status_code == 403
    said = office.post(address("team-person", ada), {"role": "manager"}, follow=True).content.decode()
    assert "Ada Lovelace is manager now." in said
    assert theirs.get(reverse("mailbox-add")).status_code == 200
    assert "Select a valid choice" in office.post(address("team-person", ada), {"role": "emperor"}).content.decode()


def test_takes_djangos_superuser_down_to_a_role(office):
    root = factories.UserFactory(role="viewer", is_superuser=True)
    office.post(address("team-person", root), {"role": "viewer"})
    root.refresh_from_db()
    assert keys.role_of_user(user=root) == Role.VIEWER


def test_deactivates_a_person_at_once_and_for_all_they_hold(office, ada):
    theirs = Client()
    theirs.force_login(ada)
    link = link_in(office.post(address("team-link", ada)))
    _, raw = keys.create_key(name="k", role="viewer", owner=ada)
    program = {"HTTP_AUTHORIZATION": f"Bearer {raw}"}
    assert Client().get("/api/v1/programs/", **program).status_code == 200
    assert "Deactivate Ada Lovelace?" in office.get(address("team-deactivate", ada)).content.decode()
    office.post(address("team-deactivate", ada))
    assert theirs.get(reverse("today")).status_code == 302
    assert Client().get("/api/v1/programs/", **program).status_code == 401
    assert not Client().login(username="ada", password=PASSWORD)
    assert opened(link)[1].status_code == 410
    assert "reactivate the account first" in office.post(address("team-link", ada), follow=True).content.decode()
    fresh = link_in(office.post(address("team-reactivate", ada)))
    assert theirs.get(reverse("today")).status_code == 302
    assert opened(link)[1].status_code == 410
    assert opened(fresh)[1].status_code == 200


def test_never_changes_or_deactivates_oneself_or_the_last_administrator(office, me, ada):
    said = office.post(address("team-deactivate", me), follow=True).content.decode()
    assert "another administrator has to do it" in said
    said = office.post(address("team-person", me), {"role": "viewer"}).content.decode()
    assert "Another administrator can change that." in said
    for change in (team.deactivate, lambda **about: team.change_role(role="viewer", **about)):
        with pytest.raises(team.NotThisPerson, match="only active administrator"):
            change(person=me, by=None)
    me.refresh_from_db()
    assert (me.is_active, me.role) == (True, "administrator")
    other = factories.UserFactory(role="administrator")
    assert team.deactivate(person=me, by=other)
    assert not team.deactivate(person=me, by=other)


@pytest.mark.django_db(transaction=True)
def test_leaves_one_of_two_administrators_who_remove_each_other():
    one, other = (factories.UserFactory(role="administrator") for _ in range(2))
    start, refused = threading.Barrier(2), []

    def remove(person, by):
        start.wait()
        try:
            team.deactivate(person=person, by=by)
        except team.NotThisPerson as error:
            refused.append(error)
        connection.close()

    both = [threading.Thread(target=remove, args=pair) for pair in ((one, other), (other, one))]
    for thread in both:
        thread.start()
    for thread in both:
        thread.join()
    assert len(refused) == 1
    assert User.objects.filter(is_active=True).count() == 1


@pytest.mark.parametrize("role", ["viewer", "operator", "manager"])
def test_shows_others_who_is_here_and_no_more(client, me, ada, role):
    User.objects.filter(pk=ada.pk).update(last_login=_later(hours=0))
    client.force_login(factories.UserFactory(role=role))
    said = client.get(reverse("team")).content.decode()
    assert "Ada Lovelace" in said
    assert "Administrator" in said
    for hidden in ("ada@home.example", "Last sign-in", reverse("team-add"), address("team-person", ada)):
        assert hidden not in said
    for route in ("team-person", "team-deactivate"):
        assert client.get(address(route, ada)).status_code == 403
        assert client.post(address(route, ada), {"role": "administrator"}).status_code == 403
    for route in ("team-link", "team-reactivate"):
        assert client.post(address(route, ada)).status_code == 403
    assert client.post(reverse("team-add"), {**NEW, "username": "x", "role": "viewer"}).status_code == 403


def test_sends_strangers_to_sign_in(client, ada):
    for answer in (client.get(reverse("team")), client.post(address("team-link", ada))):
        assert answer.url.startswith("/sign-in/?next=")


def test_says_what_is_no_link(db, client):
    for link in ("/sign-in/link/x/y/", "/sign-in/link/OTk5OTk5/set-password/", "/sign-in/link/%00/y/"):
        assert client.get(link).status_code == 410
