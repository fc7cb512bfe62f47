"""Choosing in the builder whom a step is for, and who hands it over."""

import pytest

from campaigns import beginning, drafting
from campaigns.models import Step
from tests import factories
from tests.campaigns.building import PART, at, fields_of, form, only_step

pytestmark = pytest.mark.django_db


@pytest.fixture
def operator(client_as):
    client = client_as("operator")
    client.default_format = "multipart"
    return client


def second(draft):
    return Step.objects.get(sequence_version__campaign=draft, position=2)


def test_says_whom_a_step_is_for_and_changes_it(operator):
    draft = factories.campaign(steps=2)
    step = second(draft)
    page = at("step-condition", draft, step.public_id)
    assert page in operator.get(at("campaign-edit", draft)).content.decode()
    shown = operator.get(page).content.decode()
    assert "Who clicked a link of this campaign" in shown
    row = {"mode": "rows", "join": "all", "g0-join": "all", "g0-r0-field": "tags", "g0-r0-op": "is"}
    part = form(operator, page, {**row, "do": "update"}, **PART).content.decode()
    assert 'name="g0-r0-value"' in part
    form(operator, page, {**row, "g0-r0-value": "tea", "do": "save"})
    step.refresh_from_db()
    assert step.condition == {"field": "tags", "op": "is", "value": "tea"}
    assert "tag is “tea”" in operator.get(at("campaign-edit", draft)).content.decode()
    form(operator, page, {**row, "g0-r0-value": "tea", "do": "everybody"})
    step.refresh_from_db()
    assert step.condition == {}


def test_offers_what_is_asked_most_in_one_click(operator):
    draft = factories.campaign(steps=2)
    step = second(draft)
    page = at("step-condition", draft, step.public_id)
    shown = operator.get(page + "?only=silent").content.decode()
    assert f'value="clicked.{draft.public_id}" selected' in shown
    assert "not clicked in “" in shown


def test_an_unfinished_condition_is_not_saved(operator):
    draft = factories.campaign(steps=2)
    step = second(draft)
    row = {"mode": "rows", "join": "all", "g0-join": "all", "g0-r0-field": "tags", "g0-r0-op": "is", "do": "save"}
    answer = form(operator, at("step-condition", draft, step.public_id), row)
    assert answer.status_code == 400
    assert "Say what it is compared with" in answer.content.decode()


def test_chooses_who_hands_a_step_over(operator):
    draft = factories.campaign(steps=1)
    for hand, channel, needs in (("approval", "email", True), ("task", "task", False), ("", "email", False)):
        form(operator, at("step-save", draft, only_step().public_id), {**fields_of(only_step()), "hand": hand})
        assert (only_step().channel, only_step().needs_approval) == (channel, needs)
    drafting.change_hand(step=only_step(), channel="task", needs_approval=False)
    form(operator, at("step-save", draft, only_step().public_id), fields_of(only_step()))
    assert only_step().channel == "task"  # another part was saved


def test_a_task_needs_no_link_to_say_no(operator):
    draft = factories.campaign(steps=1)
    fields = {**fields_of(only_step()), "hand": "task", "subject": "", "text": "Say hello on LinkedIn."}
    form(operator, at("step-save", draft, only_step().public_id), fields)
    assert drafting.problems(drafting.contents(campaign=draft)[0]) == ()


def test_brings_a_removed_step_back_as_it_was(operator):
    draft = factories.campaign(steps=2)
    drafting.change_condition(step=second(draft), condition={"field": "tags", "op": "is", "value": "tea"})
    drafting.change_hand(step=second(draft), channel="email", needs_approval=True)
    operator.post(at("step-remove", draft, second(draft).public_id))
    operator.post(at("step-add", draft) + "?undo=1")
    assert (second(draft).needs_approval, second(draft).condition["value"]) == (True, "tea")


def test_a_copy_asks_of_itself_what_the_original_asked_of_itself():
    draft = factories.campaign(steps=2)
    rule = {"field": f"clicked.{draft.public_id}", "op": "is", "value": True}
    drafting.change_condition(step=second(draft), condition=rule)
    copy = beginning.duplicate(campaign=draft, by=None)
    assert second(copy).condition == {**rule, "field": f"clicked.{copy.public_id}"}


def test_adds_a_step_with_a_condition_by_api(client_as):
    draft, operator = factories.campaign(steps=1), client_as("operator")
    address = f"/api/v1/campaigns/{draft.public_id}/steps/"
    rule = {"field": "tags", "op": "is", "value": "tea"}
    body = {"template": str(factories.template().public_id), "condition": rule, "needs_approval": True}
    made = operator.post(address, body, format="json").json()
    assert (made["condition"], made["needs_approval"]) == (rule, True)
    refused = operator.post(address, {**body, "condition": {"field": "nothing", "op": "is"}}, format="json")
    assert refused.status_code == 400
    assert refused.json()["errors"][0]["field"] == "condition"
