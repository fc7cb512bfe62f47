import pytest
from django.urls import reverse

from campaigns.models import Campaign, Message
from prospects import suppression
from prospects.models import Prospect
from tests import factories

pytestmark = pytest.mark.django_db


@pytest.fixture
def search(client):
    client.force_login(factories.UserFactory(role="viewer"))

    def get(q):
        response = client.get(reverse("search"), {"q": q})
        assert response.status_code == 200
        return {group.title: [hit.title for hit in group.hits] for group in response.context["groups"]}

    return get


def test_shows_the_first_hits_while_somebody_types(client):
    client.force_login(factories.UserFactory(role="viewer"))
    for number in range(6):
        factories.ProspectFactory(first_name=f"Tea{number}", email=f"tea{number}@xn--bro-hoa.example")
    factories.SegmentFactory(name="Tea lovers")

    def part(q):
        return client.get(reverse("search"), {"q": q}, headers={"HX-Request": "true"}).content.decode()

    found = part("tea")
    assert found.count("<li>") == 5  # four of a sort
    assert "Tea lovers" in found
    assert "@büro.example" in found
    assert "<html" not in found
    assert "Nothing is called that" in part("nobody like this")
    assert part("t").strip() == ""  # with one letter it waits


def test_finds_people_by_parts_of_name_company_address_and_handle(search):
    factories.ProspectFactory(email="ada@north.example", first_name="Ada", last_name="Łukasz", company="Tea House")
    factories.ProspectFactory(email="", first_name="Cy", x_handle="cyclist")
    for q in ("łukasz", "ouse", "ADA@north", "tea ada"):
        assert search(q)["People"] == ["Ada Łukasz"], q
    assert search("cyclist")["People"] == ["Cy"]


def test_finds_a_bit_of_everything(search, mailbox):
    campaign = factories.campaign(mailbox=mailbox, name="Spring tea")
    factories.SegmentFactory(name="Tea lovers")
    factories.template(name="Tea note")
    factories.ProspectFactory(email="x@teahouse.example", first_name="Zoe")
    type(mailbox).objects.filter(pk=mailbox.pk).update(name="Tea desk")
    found = search("tea")
    assert found == {
        "People": ["Zoe"],
        "Sites": ["teahouse.example"],
        "Campaigns": [campaign.name],
        "Segments": ["Tea lovers"],
        "Templates": ["Tea note"],
        "Mailboxes": ["Tea desk"],
    }


@pytest.mark.parametrize("q", ["gone@person.example", "Gone+x@Person.example"])
def test_finds_a_suppressed_address_in_any_spelling(search, q):
    suppression.suppress(kind="address", value="gone@person.example", reason="bounced")
    suppression.suppress(kind="domain", value="person.example", reason="manual")
    assert search(q)["Suppressions"] == ["gone@person.example"]
    assert search("PERSON.example")["Suppressions"] == ["person.example"]


def test_finds_a_message_by_its_id(search, running):
    world = running(people=1)
    world.tick()
    message = Message.objects.get()
    for q in (message.message_id, message.message_id.strip("<>"), str(message.public_id)):
        assert search(q)["Messages"] == [f"To {message.recipient}"]


def test_leaves_rehearsals_out(search, mailbox):
    campaign, other = factories.campaign(mailbox=mailbox, name="Tea"), factories.campaign(mailbox=mailbox)
    Campaign.objects.filter(pk=campaign.pk).update(rehearsal_of=other, rehearsal_to="me@acme.example")
    assert "Campaigns" not in search("tea")


def test_shows_ten_of_each_and_leads_to_the_rest(search, client):
    for _ in range(11):
        factories.ProspectFactory(company="Tea House")
    assert len(search("tea house")["People"]) == 10
    assert f"{reverse('prospects')}?q=tea+house" in client.get(reverse("search"), {"q": "tea house"}).content.decode()


@pytest.mark.parametrize("q", ["", " ", "a", "%", "\\", "'", "\x00", "<script>", "@", "<>", "🫖", "x" * 999, "\u202e"])
def test_answers_whatever_is_typed(search, client, q):
    search(q)
    assert "<script>" not in client.get(reverse("search"), {"q": q}).content.decode().split("<main")[1]


def test_looks_through_the_newest_for_one_or_two_letters(search):
    factories.ProspectFactory(first_name="李")
    assert search("李")["People"] == ["李"]


def test_hints_before_anything_is_typed(search, client):
    search("")
    assert "What are you looking for?" in client.get(reverse("search")).content.decode()
    assert "Nothing is called that" in client.get(reverse("search"), {"q": "xyzzy"}).content.decode()


def test_counts_the_queries(search, client, django_assert_max_num_queries):
    address = reverse("search") + "?q=person"
    factories.ProspectFactory()
    search("person")
    with django_assert_max_num_queries(20) as one:
        client.get(address)
    for _ in range(5):
        factories.ProspectFactory()
    with django_assert_max_num_queries(len(one)):
        client.get(address)
    assert Prospect.objects.count() == 6
