"""The form of one person: saving it changes what was changed, and nothing else."""

from datetime import date

import pytest
from django.urls import reverse

from prospects import custom_fields
from prospects.models import Prospect
from tests import factories


@pytest.fixture
def operator(client, db):
    client.force_login(factories.UserFactory(role="operator", username="olga"))
    return client


def saved(operator, person, **changes):
    """The form as it is shown, with these fields typed over, sent back."""
    route = reverse("prospect-edit", args=[person.public_id])
    shown = operator.get(route).context["form"]
    posted = {field.name: "" if (value := field.value()) is None else value for field in shown}
    posted["owner"] = next((str(choice.data["value"]) for choice in shown["owner"] if choice.data["selected"]), "")
    return operator.post(route, posted | changes)


def test_leaves_numbers_and_yes_or_no_what_they_are(operator):
    custom = {"size": 5, "tiny": 0.0000001, "likes": True, "said": "5", "where": "1 High Street\nLondon"}
    person = factories.ProspectFactory(custom=custom)
    saved(operator, person, job_title="Editor")
    person.refresh_from_db()
    assert (person.job_title, person.custom) == ("Editor", custom)
    assert type(person.custom["likes"]) is bool


def test_reads_what_is_typed_as_the_kind_of_its_field(operator):
    kinds = {"size": "number", "share": "number", "since": "date", "likes": "boolean"}
    custom_fields.set_kinds(kinds=kinds, by=None)
    person = factories.ProspectFactory(custom={"size": 5, "likes": True})
    typed = "size: 12,000\nshare: 3,5\nsince: 3 March 2026\nlikes: no\nfree: 7"
    saved(operator, person, custom=typed)
    person.refresh_from_db()
    assert person.custom == {"size": 12000, "share": 3.5, "since": "2026-03-03", "likes": False, "free": "7"}
    saved(operator, person, custom="size: \nlikes: yes")
    person.refresh_from_db()
    assert person.custom == {"likes": True}


def test_says_what_a_field_can_not_hold(operator):
    custom_fields.set_kinds(kinds={"size": "number"}, by=None)
    person = factories.ProspectFactory(custom={"size": 5})
    answer = saved(operator, person, custom="size: big")
    assert answer.context["form"].errors["custom"] == ["size: 'big' is no number."]
    person.refresh_from_db()
    assert person.custom == {"size": 5}


def test_leaves_the_owner_who_has_left(operator):
    gone, away = (factories.UserFactory(username=name, is_active=False) for name in ("gone", "away"))
    person = factories.ProspectFactory(owner=gone)
    form = operator.get(reverse("prospect-edit", args=[person.public_id])).context["form"]
    assert {user.username for user in form.fields["owner"].queryset} == {"gone", "olga"}
    saved(operator, person, job_title="Editor")
    person.refresh_from_db()
    assert (person.job_title, person.owner) == ("Editor", gone)
    assert "owner" in saved(operator, person, owner=away.pk).context["form"].errors


def test_keeps_the_day_on_which_they_were_told_what_we_hold(operator):
    person = factories.ProspectFactory()
    saved(operator, person, notice_date="2026-03-01")
    saved(operator, person, job_title="Editor")
    person.refresh_from_db()
    assert (person.job_title, person.notice_date) == ("Editor", date(2026, 3, 1))
    saved(operator, person, notice_date="")
    assert Prospect.objects.get().notice_date is None
