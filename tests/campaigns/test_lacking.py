"""What the people of a campaign lack of what its steps say."""

import pytest

from campaigns import audience, blanks, drafting, lacking
from prospects import suppression
from prospects.models import Prospect, Segment
from tests import factories

pytestmark = pytest.mark.django_db


def needed(text, **parts):
    content = drafting.Content(step=None, arm=None, draft=None, text=text, **parts)
    return set(blanks.needed(content))


def found(campaign):
    return [(each.step, each.variable, each.people) for each in lacking.count(campaign=campaign)]


def draft(*texts, **fields):
    campaign = factories.campaign(steps=0, **fields)
    for text in texts:
        drafting.add_step(campaign=campaign, subject="Hello", text=text + drafting.FOOT, by=None)
    return campaign


def test_needs_what_the_text_says_without_a_default():
    assert needed("{{ first_name }} {{ custom.colour }}", subject="{{ company }}", html="<p>{{ site }}</p>") == {
        "first_name",
        "custom.colour",
        "company",
        "site",
    }
    assert needed("{{ first_name | default: 'you' }}{% if company %} of {{ company }}{% endif %}") == set()
    assert needed("Hello", subject="{{ company | default: '' }}") == {"company"}  # a subject that comes out empty


def test_needs_nothing_of_the_person_where_it_is_the_senders_or_can_not_be_read():
    assert needed(drafting.FOOT) == set()
    assert needed("{{ first_name") == needed("{{ first_name | nonsense }}") == needed("") == set()


def test_counts_each_thing_once_by_the_first_step_that_needs_it():
    factories.ProspectFactory(first_name="Ada", custom={"colour": "red"})
    factories.ProspectFactory(first_name="Ben", custom={"colour": "  "})
    factories.ProspectFactory(first_name="", custom={})
    campaign = draft(
        "Hi {{ first_name | default: 'you' }}", "{{ custom.colour }}", "{{ custom.colour }}{{ first_name }}"
    )
    assert found(campaign) == [(2, "custom.colour", 2), (3, "first_name", 1)]
    assert [each.words for each in lacking.count(campaign=campaign)] == ["“colour”", "first name"]
    assert lacking.people(campaign=campaign, variable="custom.colour").count() == 2


def test_counts_only_those_who_will_be_written_to():
    factories.ProspectFactory(country="DE")
    factories.ProspectFactory(country="FR")
    factories.ProspectFactory(country="DE", email="", x_handle="someone")
    gone = factories.ProspectFactory(country="DE")
    suppression.suppress(kind="address", value=gone.email, reason="manual")
    germans = Segment.objects.create(name="Germans", filter={"field": "country", "op": "is", "value": "DE"})
    assert found(draft("{{ custom.colour }}", segment=germans)) == [(1, "custom.colour", 1)]


@pytest.mark.parametrize("name", ["first_name", "full_name", "company", "job_title", "website", "site", "country"])
def test_agrees_with_what_a_person_would_read(name):
    blank = {"first_name": "", "last_name": "", "company": "", "job_title": "", "website": "", "country": ""}
    nobody = factories.ProspectFactory(**blank)
    Prospect.objects.filter(pk=nobody.pk).update(site=None)  # else it is known by the address
    whole = {"first_name": "Ada", "last_name": "L", "company": "C", "job_title": "J", "country": "DE"}
    factories.ProspectFactory(**whole, website="https://ada.example")
    assert found(draft(f"{{{{ {name} }}}}")) == [(1, name, 1)]


def test_asks_one_query_of_the_people_however_much_is_needed(django_assert_num_queries):
    factories.ProspectFactory(first_name="")
    nothing, little = draft("Hello"), draft("{{ first_name }}")
    much = draft("{{ first_name }}{{ custom.a }}{{ custom.b }}")
    with django_assert_num_queries(3):  # the sequence, its steps, their arms
        assert lacking.count(campaign=nothing) == ()
    for campaign in (little, much):
        with django_assert_num_queries(5):  # whether the list of suppressions is short, the rules, and the people
            assert lacking.count(campaign=campaign)


@pytest.mark.parametrize("name", ["lieblingsartikel", "schlüssel", "ключ", "Two_Words"])
def test_names_a_part_of_the_audience_by_an_address_and_finds_it_again(name):
    campaign = draft(f"{{{{ custom.{name} }}}}{{{{ first_name }}}}")
    slug = lacking.slug(f"custom.{name}")
    assert slug.isascii()
    assert lacking.variable(campaign=campaign, reason=slug) == f"custom.{name}"
    with pytest.raises(audience.UnknownReason):
        lacking.variable(campaign=campaign, reason="lacks-company")
