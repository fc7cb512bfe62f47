import pytest
from django.urls import reverse

from accounts.models import Role
from campaigns.views import chosen_people
from prospects import listing, suppression
from prospects.models import Prospect, Segment
from tests import factories

pytestmark = pytest.mark.django_db
HOSTILE = '<script>alert("1")</script>\u202e' + "🫖" * 40
AT_LEAST = {"email": "new@person.example"}


@pytest.fixture
def operator(client):
    client.force_login(factories.UserFactory(role="operator", username="olga"))
    return client


@pytest.fixture
def page(operator):
    def get(route, *args, query="", **options):
        return operator.get(reverse(route, args=args) + query, **options)

    return get


def text_of(response):
    assert response.status_code == 200
    return response.content.decode()


def act(client, action, people, **fields):
    ids = [str(person.public_id) for person in people]
    return client.post(reverse("prospects-act"), {"action": action, "id": ids, **fields}, follow=True)


def undo(client, response):
    (notice,) = response.context["messages"]
    return client.post(notice.extra_tags.partition("undo:")[2].split(" ")[0], follow=True)


def test_lists_the_newest_first_and_goes_on_by_key(page):
    for _ in range(52):
        factories.ProspectFactory()
    newest, oldest = Prospect.objects.order_by("-pk").first(), Prospect.objects.order_by("pk").first()
    first = page("prospects")
    assert newest.email in text_of(first)
    assert oldest.email not in text_of(first)
    assert "52 people" in text_of(first)
    assert oldest.email in text_of(page("prospects", query=first.context["paged"].older))


def test_costs_the_same_queries_for_one_and_for_many(operator, django_assert_max_num_queries):
    address = reverse("prospects")
    factories.ProspectFactory(tags=["a"], country="DE", source="x")
    factories.SegmentFactory()
    with django_assert_max_num_queries(30) as one:
        operator.get(address)
    for number in range(5):
        factories.ProspectFactory(tags=[str(number)], country="FR", source=str(number))
        factories.SegmentFactory()
    with django_assert_max_num_queries(len(one)):
        operator.get(address)


def test_counts_the_queries_of_the_segments(operator, django_assert_max_num_queries):
    factories.ProspectFactory()
    segment = factories.SegmentFactory()
    for route, args in (("segments", []), ("segment", [segment.public_id])):
        with django_assert_max_num_queries(15) as one:
            operator.get(reverse(route, args=args))
        factories.ProspectFactory()
        factories.SegmentFactory()
        with django_assert_max_num_queries(len(one)):
            operator.get(reverse(route, args=args))


def test_says_what_to_do_while_nobody_is_there(page):
    assert "Import a sheet" in text_of(page("prospects"))
    assert "No segments yet" in text_of(page("segments"))


def test_shows_the_facets_as_chips_that_can_be_taken_out(page):
    factories.ProspectFactory(country="DE", tags=["tea"])
    shown = page("prospects", query="?country=DE&tag=tea&before=999999&state=")
    assert [words for words, _ in shown.context["chips"]] == ["Tag: tea", "Germany"]
    assert [without for _, without in shown.context["chips"]] == ["?country=DE&state=", "?tag=tea&state="]
    assert "Nobody is like that" in text_of(page("prospects", query="?q=xyzzy"))


@pytest.mark.parametrize("query", ["?segment=x", "?state=x&reach=x&demo=x", "?q=%00%ff", "?owner='", "?tag=%E2%80%AE"])
def test_answers_any_facet(page, query):
    assert page("prospects", query=query).status_code == 200


def test_says_that_a_segment_can_not_be_read(page):
    broken = factories.SegmentFactory(filter={"field": "nonsense"})
    assert "can&#x27;t be read" in text_of(page("prospects", query=f"?segment={broken.public_id}"))
    assert "can't be read" in text_of(page("segment", broken.public_id))
    part = page("segment", broken.public_id, headers={"HX-Request": "true"})
    assert part.content.decode() == "can't be read"


def test_tells_how_many_are_in_a_segment_as_a_part(page):
    factories.ProspectFactory()
    part = page("segment", factories.SegmentFactory().public_id, headers={"HX-Request": "true"})
    assert part.content.decode() == "1"


def test_shows_hostile_values_as_text(page):
    name = HOSTILE[:90]
    person = factories.ProspectFactory(
        first_name=name, company=HOSTILE, tags=[name[:50]], source=HOSTILE, custom={"a": HOSTILE * 50}
    )
    for route, args in (("prospects", []), ("prospect", [person.public_id]), ("prospect-edit", [person.public_id])):
        text = text_of(page(route, *args))
        assert "<script>alert" not in text
        assert "&lt;script&gt;alert" in text


def test_adds_a_person_from_the_form(operator):
    fields = {"email": "New@Person.example", "tags": "tea, vip", "country": "Germany", "owner": ""}
    fields["custom"] = "audience: 12000\naddress: 1 High Street\n  London"
    response = operator.post(reverse("prospect-add"), fields)
    added = Prospect.objects.get()
    assert response.url == reverse("prospect", args=[added.public_id])
    assert (added.email, added.tags, added.country) == ("New@person.example", ["tea", "vip"], "DE")
    assert added.custom == {"audience": "12000", "address": "1 High Street\nLondon"}


@pytest.mark.parametrize(
    ("fields", "field", "said"),
    [
        ({}, "email", "needs an address"),
        ({"email": "nonsense"}, "email", "@"),
        ({**AT_LEAST, "country": "Atlantis"}, "country", "no country"),
        ({**AT_LEAST, "website": "not a site"}, "website", "no web address"),
        ({**AT_LEAST, "custom": "no colon"}, "custom", "Line 1"),
        ({**AT_LEAST, "custom": "9: x"}, "custom", "can't name"),
        ({**AT_LEAST, "time_zone": "Mars/Olympus"}, "time_zone", "valid choice"),
    ],
)
def test_says_beside_the_field_what_is_wrong(operator, fields, field, said):
    response = operator.post(reverse("prospect-add"), fields)
    assert response.status_code == 200
    assert said in " ".join(response.context["form"].errors[field])
    assert not Prospect.objects.exists()


def test_leads_to_who_has_the_address_already(operator):
    known = factories.ProspectFactory(email="ada@person.example")
    response = operator.post(reverse("prospect-add"), {"email": "Ada+x@person.example"})
    assert reverse("prospect", args=[known.public_id]) in text_of(response)


def test_shows_in_the_form_what_is_stored_and_changes_nothing_by_saving(operator, page):
    person = factories.ProspectFactory(
        last_name="Ø", country="DE", tags=["a", "b"], custom={"x": "1\n2", "y": ""}, language="pt-BR"
    )
    form = page("prospect-edit", person.public_id).context["form"]
    before = Prospect.objects.filter(pk=person.pk).values().get()
    posted = {field.name: "" if field.value() is None else field.value() for field in form}
    assert operator.post(reverse("prospect-edit", args=[person.public_id]), posted).status_code == 302
    assert Prospect.objects.filter(pk=person.pk).values().get() == before


def test_warns_when_the_new_address_is_suppressed(operator):
    person = factories.ProspectFactory()
    suppression.suppress(kind="address", value="gone@person.example", reason="bounced")
    response = operator.post(
        reverse("prospect-edit", args=[person.public_id]), {"email": "gone@person.example"}, follow=True
    )
    assert "suppressed: nobody will write to it" in text_of(response)


def test_saves_the_list_as_a_segment(operator, page):
    factories.ProspectFactory(tags=["tea"])
    query = "?tag=tea&state=never"
    asked = text_of(page("segment-add", query=query))
    assert "last written to never" in asked
    assert "1 person now" in asked
    rows = {
        "do": "save",
        "mode": "rows",
        "join": "all",
        "g0-join": "all",
        "g0-r0-field": "tags",
        "g0-r0-op": "is",
        "g0-r0-value": "tea",
        "g0-r1-field": "contacted_at",
        "g0-r1-op": "is_empty",
    }
    response = operator.post(reverse("segment-add"), {"name": "Tea", **rows})
    saved = Segment.objects.get(name="Tea")
    assert response.url == reverse("segment", args=[saved.public_id])
    assert saved.filter == listing.as_rule(listing.Facets(tag="tea", state="never"))
    assert saved.created_by.username == "olga"
    shown = text_of(page("segment", saved.public_id))
    assert f"{reverse('campaign-new')}?segment={saved.public_id}" in shown
    again = operator.post(reverse("segment-add"), {"name": "Tea", **rows})
    assert again.status_code == 400
    assert "of this name already" in again.content.decode()


def test_asks_before_it_acts_and_names_the_number(operator):
    people = [factories.ProspectFactory() for _ in range(3)]
    asked = act(operator, "stop", people)
    assert "Never write to them again: 3 people?" in text_of(asked)
    assert not Prospect.objects.filter(stopped_at__isnull=False).exists()
    refused = act(operator, "stop", people, sure="1", reason="")
    assert "This field is required" in text_of(refused)
    assert "3 people will never be written to again" in text_of(act(operator, "stop", people, sure="1", reason="rude"))
    assert set(Prospect.objects.values_list("stop_reason", flat=True)) == {"rude (olga)"}


def test_tags_and_takes_it_back_for_those_it_changed(operator):
    has, new = factories.ProspectFactory(tags=["tea"]), factories.ProspectFactory()
    done = act(operator, "tag", [has, new], sure="1", tag="tea")
    assert "1 person got the tag tea" in text_of(done)
    assert "Taken back" in text_of(undo(operator, done))
    assert list(Prospect.objects.order_by("pk").values_list("tags", flat=True)) == [["tea"], []]
    assert "any more" in text_of(operator.post(reverse("prospects-act") + "?undo=old", follow=True))


def test_untags_holds_and_releases(operator):
    person = factories.ProspectFactory(tags=["tea"])
    act(operator, "untag", [person], sure="1", tag="tea")
    done = act(operator, "hold", [person], sure="1", reason="on leave")
    person.refresh_from_db()
    assert (person.tags, person.hold_reason) == ([], "on leave (olga)")
    undo(operator, done)
    person.refresh_from_db()
    assert person.held_at is None
    act(operator, "hold", [person], sure="1", reason="on leave")
    undo(operator, act(operator, "release", [person], sure="1"))
    person.refresh_from_db()
    assert person.held_at is not None


def test_does_it_to_everybody_on_the_list_after_asking(operator):
    for number in range(60):
        factories.ProspectFactory(country="DE" if number < 55 else "FR")
    listed = text_of(operator.get(reverse("prospects") + "?country=DE"))
    assert "All 55 people of this list" in listed
    fields = {"action": "tag", "all": "1", "next": reverse("prospects") + "?country=DE"}
    asked = text_of(operator.post(reverse("prospects-act"), fields))
    assert "Add a tag: 55 people?" in asked
    assert "and 50 more" in asked
    done = operator.post(reverse("prospects-act"), {**fields, "sure": "1", "tag": "tea"}, follow=True)
    assert "55 people got the tag tea" in text_of(done)
    assert Prospect.objects.filter(tags=["tea"], country="DE").count() == 55
    assert "55 people" in text_of(undo(operator, done))
    assert not Prospect.objects.exclude(tags=[]).exists()


def test_does_it_to_everybody_in_as_many_queries_as_to_a_few(operator, django_assert_max_num_queries):
    fields = {"action": "tag", "all": "1", "sure": "1", "tag": "tea"}
    for _ in range(30):
        factories.ProspectFactory()
    with django_assert_max_num_queries(20):
        operator.post(reverse("prospects-act"), fields)
    assert Prospect.objects.filter(tags=["tea"]).count() == 30


@pytest.mark.parametrize(("action", "said"), [("stop", "chose by the boxes"), ("tag", "more than 2 people at once")])
def test_refuses_to_do_to_everybody_what_needs_a_look(operator, monkeypatch, action, said):
    monkeypatch.setattr(chosen_people, "MOST_OF_A_LIST", 2)
    for _ in range(3):
        factories.ProspectFactory()
    response = operator.post(reverse("prospects-act"), {"action": action, "all": "1", "sure": "1"}, follow=True)
    assert said in text_of(response)


def test_gives_many_an_owner_and_a_stage(operator):
    people, program = [factories.ProspectFactory() for _ in range(3)], factories.ProgramFactory(name="Tea club")
    done = act(operator, "owner", people, sure="1", owner="olga")
    assert "3 people looked after by olga now" in text_of(done)
    assert "3 people looked after by nobody now" in text_of(act(operator, "owner", people, sure="1", owner=""))
    fields = {"program": program.public_id, "stage": "negotiating", "why": "Met at a fair"}
    done = act(operator, "stage", people[:2], sure="1", **fields)
    assert "2 people moved to negotiating in Tea club" in text_of(done)
    listed = operator.get(reverse("prospects") + "?stage=negotiating")
    assert set(listed.context["paged"].rows) == set(people[:2])


@pytest.mark.parametrize("fields", [{"action": "stop"}, {"action": "x"}, {"action": "tag", "id": "nonsense"}])
def test_refuses_an_action_without_people_or_without_a_name(operator, fields):
    response = operator.post(reverse("prospects-act"), {**fields, "next": "https://evil.example/"}, follow=True)
    assert "Choose people by the boxes" in text_of(response)
    assert response.request["PATH_INFO"] == reverse("prospects")


def test_says_beside_the_field_what_the_verb_refuses(operator):
    assert "1 to 50 characters" in text_of(act(operator, "tag", [factories.ProspectFactory()], sure="1", tag="\ufeff"))


def test_enrols_the_chosen_people(operator, running):
    world = running(people=1)
    new, stopped = factories.ProspectFactory(), factories.ProspectFactory()
    Prospect.objects.filter(pk=stopped.pk).update(stopped_at=world.now)
    people = [*world.prospects, new, stopped]
    done = act(operator, "enrol", people, sure="1", campaign=world.campaign.public_id)
    assert f"1 person enrolled in {world.campaign}. Left out: " in text_of(done)


def test_tells_where_each_stands(page, running):
    world = running(people=2)
    world.tick()
    never = factories.ProspectFactory()
    held = factories.ProspectFactory()
    Prospect.objects.filter(pk=held.pk).update(held_at=world.now, hold_reason="on leave")
    suppression.suppress(kind="address", value=world.prospects[1].email, reason="bounced")
    rows = {person.pk: standing for person, standing in page("prospects").context["rows"]}
    assert rows[never.pk].words == "Never written to"
    assert (rows[held.pk].words, rows[held.pk].more) == ("On hold", "on leave")
    assert (rows[world.prospects[0].pk].words, rows[world.prospects[1].pk].words) == ("Under way", "Suppressed")
    assert "1 mail sent" in rows[world.prospects[0].pk].more
    for state, people in (("never", [held, never]), ("written", world.prospects[::-1]), ("replied", [])):
        assert list(page("prospects", query=f"?state={state}").context["paged"].rows) == people, state


def test_offers_a_viewer_nothing_that_they_may_not_do(client):
    client.force_login(factories.UserFactory(role=Role.VIEWER))
    person = factories.ProspectFactory()
    listed = text_of(client.get(reverse("prospects") + "?demo=no"))
    assert person.email in listed
    assert reverse("prospects-act") not in listed
    assert reverse("segment-add") not in listed
    assert reverse("prospect-note", args=[person.public_id]) not in text_of(
        client.get(reverse("prospect", args=[person.public_id]))
    )
