"""To whom a rehearsal goes: to us, and to nobody whom a campaign may write to."""

import pytest

from campaigns import planning, rehearsing
from campaigns.models import Campaign, Message
from prospects import addresses, merging
from tests import factories

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture
def reader():
    """Somebody in the list, by two addresses."""
    person = factories.ProspectFactory(email="reader@gmail.com", first_name="Ada", last_name="Tea")
    addresses.add_address(prospect=person, email="ada@old.example", by=None)
    return person


@pytest.mark.parametrize("to", ["Reader@gmail.com", "rea.der+x@googlemail.com", "ada@old.example"])
def test_is_refused_to_somebody_who_is_in_the_list(running, reader, client_as, to):
    world = running(people=1)
    path = f"/campaigns/{world.campaign.public_id}/rehearse/"
    said = {"to": to, "people": [str(world.prospects[0].public_id)]}
    page = client_as("operator").post(path, said, format="multipart")
    assert page.context["form"].errors["to"] == [
        "This is an address of Ada Tea, whom a campaign may write to: it would be a real mail to them. Use the address "
        "of a mailbox or of somebody who works here, as their account has it."
    ]
    assert not Campaign.objects.exclude(rehearsal_of=None).exists()


def test_is_refused_to_the_earlier_address_of_a_row_that_was_merged(running):
    world = running(people=1)
    stays, goes = factories.ProspectFactory(), factories.ProspectFactory(email="goes@tea.example")
    merging.merge(survivor=stays, merged=goes, by=None, now=world.now)
    with pytest.raises(rehearsing.CannotRehearse) as refused:
        rehearsing.start(
            campaign=world.campaign, prospects=world.prospects, to="goes@tea.example", now=world.now, by=None
        )
    assert str(stays) in refused.value.problems[0].message


@pytest.mark.parametrize("whose", ["user", "mailbox"])
def test_goes_to_an_own_address_that_is_in_the_list_too(running, reader, whose):
    world = running(people=1)
    if whose == "user":
        factories.UserFactory(email="Reader+Own@gmail.com")
    else:
        factories.MailboxFactory(from_address="reader@gmail.com")
    rehearsing.start(campaign=world.campaign, prospects=world.prospects, to=reader.email, now=world.now, by=None)
    planning.plan(now=world.now)
    assert Message.objects.get(campaign__rehearsal_of=world.campaign).recipient == reader.email
