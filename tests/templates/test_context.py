"""The contract between those who write templates and those who fill them in."""

import pytest

from campaigns import composing
from campaigns.rows import ProspectRow
from integrations.models import Mailbox
from prospects.models import Program, Prospect
from templates import context


def test_is_filled_in_name_by_name():
    values = composing.values_for(
        prospect=ProspectRow.of(Prospect(custom={"city": "Köln"})),
        program=Program(),
        mailbox=Mailbox(),
        unsubscribe_url="https://x.example/u/1",
    )
    assert values.keys() == {*context.VARIABLES, context.CUSTOM}
    assert all(type(value) is str for name, value in values.items() if name != context.CUSTOM)
    assert values[context.CUSTOM] == {"city": "Köln"}


@pytest.mark.parametrize(
    ("name", "known"),
    [
        ("first_name", True),
        ("custom.anything", True),
        ("custom", False),
        ("custom.", False),
        ("first_name.size", False),
    ],
)
def test_knows_its_names_and_every_custom_one(name, known):
    assert context.is_known(name) is known
