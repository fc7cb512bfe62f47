"""The pages that make a campaign."""

import json

import pytest
from django.urls import reverse

from campaigns import drafting, framing, rehearsing
from campaigns.models import Campaign, Enrollment, Step, StepDraft
from prospects import suppression
from prospects.models import Prospect, Segment
from tests import factories
from tests.campaigns.building import GOOD, PART, at, fields_of, form, only_step

pytestmark = pytest.mark.django_db


@pytest.fixture
def operator(client_as):
    client = client_as("operator")
    client.default_format = "multipart"  # as a browser posts
    return client


@pytest.fixture
def draft(now):
    mailbox = factories.MailboxFactory(verified_at=now)
    campaign = factories.campaign(mailbox=mailbox, steps=0, name="Spring")
    drafting.add_step(campaign=campaign, subject="Hello", text=GOOD, by=None)
    return campaign


def test_says_what_a_first_campaign_needs_and_where_to_get_it(client_as):
    page = client_as("manager").get(reverse("campaign-new")).content.decode()
    for route in ("program-add", "mailbox-add", "import-new"):
        assert reverse(route) in page
    assert '<form method="post">' not in page


def test_begins_a_draft_for_the_segment_that_was_asked_for(operator):
    factories.ProspectFactory()
    factories.ProgramFactory()
    factories.MailboxFactory()
    wanted = factories.SegmentFactory()
    factories.SegmentFactory()
    page = operator.get(reverse("campaign-new"), {"segment": str(wanted.public_id)}).content.decode()
    assert 'value="Campaign 1"' in page
    answer = form(operator, reverse("campaign-new"), {"name": "Spring", "segment": str(wanted.public_id)})
    made = Campaign.objects.get()
    assert answer.headers["Location"] == at("campaign-edit", made)
    assert (made.name, made.segment, made.state) == ("Spring", wanted, "draft")
    again = form(operator, reverse("campaign-new"), {"name": "Spring"})
    assert "There is a campaign of this name already." in again.content.decode()


def test_shows_the_five_parts_and_the_message_as_one_person_reads_it(operator, draft):
    factories.ProspectFactory(first_name="Ada")
    berta = factories.ProspectFactory(first_name="Berta")
    page = operator.get(at("campaign-edit", draft)).content.decode()
    for part in ('id="who"', 'id="what"', 'id="whom"', 'id="when"', 'id="launch"'):
        assert part in page
    assert "Hello Berta, a word." in page  # the newest of the segment
    assert "Monday to Friday, 9:00 to 17:00" in page
    found = operator.get(at("campaign-edit", draft), {"who": "ada"}).content.decode()
    assert "Hello Ada, a word." in found
    chosen = operator.get(at("campaign-edit", draft), {"as": str(berta.public_id)}).content.decode()
    assert "Hello Berta, a word." in chosen


def test_asks_as_often_for_one_step_as_for_many(operator, draft, django_assert_max_num_queries):
    for _ in range(3):
        factories.ProspectFactory(website="https://a.example")
    address = at("campaign-edit", draft)  # campaign-edit
    with django_assert_max_num_queries(40) as one:
        operator.get(address)
    for _ in range(4):
        drafting.add_step(campaign=draft, text=GOOD, by=None)
    for _ in range(4):
        factories.ProspectFactory(website="https://b.example")
    with django_assert_max_num_queries(len(one)):
        operator.get(address)


def test_lists_the_people_behind_a_number_with_the_same_queries_however_many(
    operator, draft, django_assert_max_num_queries
):
    factories.ProspectFactory(website="https://a.example")
    address = at("campaign-audience-people", draft, "written")  # campaign-audience-people
    with django_assert_max_num_queries(20) as one:
        operator.get(address)
    for _ in range(5):
        factories.ProspectFactory(website="https://b.example")
    with django_assert_max_num_queries(len(one)):
        page = operator.get(address).content.decode()
    assert page.count(reverse("prospect", args=[Prospect.objects.first().public_id])) == 1
    assert operator.get(at("campaign-audience-people", draft, "whims")).status_code == 404


def test_adds_the_audience_up_with_a_link_to_every_part(operator, draft):
    factories.ProspectFactory()
    gone = factories.ProspectFactory()
    suppression.suppress(kind="address", value=gone.email, reason="manual")
    part = operator.get(at("campaign-audience", draft), **PART).content.decode()
    for reason in ("segment", "suppressed", "written"):
        assert at("campaign-audience-people", draft, reason) in part
    assert "Launch to 1 person" in part
    assert "<html" not in part
    assert "<html" in operator.get(at("campaign-audience", draft)).content.decode()


def test_saves_one_part_by_itself_and_tells_the_others(operator, draft):
    other = factories.SegmentFactory()
    answer = form(operator, at("campaign-save", draft), {"segment": other.pk, "name": "Summer"}, **PART)
    draft.refresh_from_db()
    assert (draft.segment, draft.name) == (other, "Summer")
    assert "Saved" in answer.content.decode()
    assert answer.headers["HX-Trigger"] == "audience-changed, draft-saved"
    without_script = form(operator, at("campaign-save", draft), {"time_zone": "Europe/Paris"})
    assert without_script.headers["Location"].startswith(at("campaign-edit", draft))
    draft.refresh_from_db()
    assert draft.time_zone == "Europe/Paris"


def test_says_why_a_name_is_not_saved(operator, draft):
    factories.campaign(name="Taken")
    for name, words in (("Taken", "a campaign of this name"), ("", "required")):
        answer = form(operator, at("campaign-save", draft), {"name": name}, **PART).content.decode()
        assert "Not saved" in answer
        assert words in answer
    draft.refresh_from_db()
    assert draft.name == "Spring"


def test_saves_a_half_written_step_with_what_is_wrong_and_its_preview(operator, draft):
    factories.ProspectFactory(first_name="Ada")
    step = only_step()
    save = at("step-save", draft, step.public_id)
    wrong = form(operator, save, fields_of(step, text="Hi {{ frist_name }}"), **PART).content.decode()
    assert StepDraft.objects.get().text == "Hi {{ frist_name }}"
    assert "did you mean &#x27;first_name&#x27;?" in wrong
    assert "no unsubscribe link" in wrong
    right = form(operator, save, fields_of(step, text=GOOD.replace("a word", "two words")), **PART)
    assert "Hello Ada, two words." in right.content.decode()
    assert right.headers["HX-Trigger"] == "draft-saved"


def test_saves_the_text_also_when_the_timing_makes_no_sense(operator, draft):
    step = only_step()
    strange = fields_of(step, text=GOOD + "!", window_start="18:00", weekdays=[6])
    answer = form(operator, at("step-save", draft, step.public_id), strange, **PART).content.decode()
    assert "The window ends before it starts" in answer
    step.refresh_from_db()
    assert (StepDraft.objects.get().text, step.weekdays) == (GOOD + "!", [1, 2, 3, 4, 5])
    sensible = fields_of(step, window_start="06:30", window_end="00:00", weekdays=[6])
    form(operator, at("step-save", draft, step.public_id), sensible)
    step.refresh_from_db()
    assert (str(step.window_start), str(step.window_end), step.weekdays) == ("06:30:00", "00:00:00", [6])


def test_previews_for_a_viewer_what_was_not_saved_in_the_thread_of_the_message_before(client_as, draft):
    ada = factories.ProspectFactory(first_name="Ada")
    second = drafting.add_step(campaign=draft, text=GOOD, by=None)
    posted = {"as": str(ada.public_id), "text": "A note for {{ first_name }}"}
    viewer = client_as("viewer")
    part = form(viewer, at("step-preview", draft, second.public_id), posted, **PART).content.decode()
    assert "<strong>Hello" in part
    assert "in the same thread" in part
    assert "A note for Ada" in part
    assert second.draft.text == GOOD
    assert form(viewer, at("step-save", draft, second.public_id), posted, **PART).status_code == 403


def test_adds_moves_removes_and_brings_back_a_step(operator, draft):
    form(operator, at("step-add", draft), {})
    second = Step.objects.get(position=2)
    form(operator, at("step-move", draft, second.public_id), {"direction": "up"})
    assert Step.objects.get(position=1) == second
    first = Step.objects.get(position=2)
    answer = operator.post(at("step-remove", draft, first.public_id), follow=True)
    undo = at("step-add", draft) + "?undo=1"
    assert undo in answer.content.decode()
    assert Step.objects.get() == second
    form(operator, undo, {})
    assert [content.text for content in drafting.contents(campaign=draft)] == [framing.empty(GOOD), GOOD]
    again = operator.post(undo, follow=True).content.decode()
    assert "brought back already" in again
    assert Step.objects.count() == 2


def test_names_everything_that_is_missing_with_the_place_that_mends_it(operator, draft):
    drafting.add_step(campaign=draft, by=None)
    draft.mailbox.pause(reason="refused")
    page = operator.get(at("campaign-check", draft), **PART).content.decode()
    assert reverse("mailbox", args=[draft.mailbox.public_id]) in page
    assert f"#step-{Step.objects.get(position=2).public_id}" in page
    assert "Nobody with an address" in page
    assert "Not ready" in operator.get(at("campaign-launch", draft)).content.decode()


def test_asks_with_the_number_of_people_then_launches(operator, draft):
    for _ in range(2):
        factories.ProspectFactory()
    asked = operator.get(at("campaign-launch", draft)).content.decode()
    assert "to 2 people?" in asked
    assert draft.mailbox.from_address in asked
    answer = form(operator, at("campaign-launch", draft), {})
    assert answer.headers["Location"] == at("campaign", draft)
    assert Enrollment.objects.count() == 2
    for route in ("campaign-edit", "campaign-launch"):
        assert operator.get(at(route, draft)).headers["Location"] == at("campaign", draft)


def test_brings_a_refused_launch_back_to_the_draft(operator, draft):
    answer = form(operator, at("campaign-launch", draft), {})
    assert answer.headers["Location"] == at("campaign-edit", draft)
    assert "Nobody with an address" in operator.get(at("campaign-edit", draft)).content.decode()
    draft.refresh_from_db()
    assert draft.state == "draft"


def test_refuses_to_change_what_was_launched(operator, draft):
    factories.ProspectFactory()
    step = only_step()
    form(operator, at("campaign-launch", draft), {})
    answer = form(operator, at("step-save", draft, step.public_id), fields_of(step, text="other"), **PART)
    assert "was launched" in answer.content.decode()
    assert form(operator, at("step-add", draft), {}).status_code == 302
    form(operator, at("step-remove", draft, step.public_id), {})
    assert Step.objects.count() == 1


def test_shows_a_viewer_everything_and_lets_nothing_be_changed(client_as, draft):
    factories.ProspectFactory(first_name="Ada")
    page = client_as("viewer").get(at("campaign-edit", draft)).content.decode()
    assert "Hello Ada, a word." in page
    assert "<fieldset disabled>" in page
    for route in ("step-add", "campaign-launch", "campaign-duplicate"):
        assert at(route, draft) not in page


def test_duplicates_a_launched_campaign_as_a_draft(operator, draft):
    factories.ProspectFactory()
    form(operator, at("campaign-launch", draft), {})
    answer = form(operator, at("campaign-duplicate", draft), {})
    copy = Campaign.objects.get(state="draft")
    assert (copy.name, answer.headers["Location"]) == ("Spring (copy)", at("campaign-edit", copy))
    form(operator, at("campaign-duplicate", copy), {})
    assert Campaign.objects.filter(name="Spring (copy 2)").exists()


def test_previews_at_once_as_who_was_searched_for(operator, draft):
    ada, bea = (factories.ProspectFactory(first_name=name, last_name="") for name in ("Ada", "Bea"))
    shown = operator.get(at("campaign-edit", draft), {"who": "ada", "as": str(bea.public_id)}).context
    assert (shown["reader"], shown["readers"]) == (ada, [ada])
    nobody = operator.get(at("campaign-edit", draft), {"who": "zoe", "as": str(ada.public_id)})
    assert nobody.context["reader"] == ada
    assert "Nobody in the segment is called “zoe”" in nobody.content.decode()


def test_begins_a_follow_up_as_the_first_step_greets_and_ends(operator, draft):
    foot = "-- \nLumen, {{ postal_address }}\nAbmelden: {{ unsubscribe_url }}\n"
    said = f"Guten Tag {{{{ first_name }}}},\n\nein Wort.\n\n{foot}"
    drafting.save_text(step=only_step(), subject="Hallo", text=said)
    form(operator, at("step-add", draft), {})
    _, second = drafting.contents(campaign=draft)
    assert second.text == said.replace("ein Wort.\n\n", "\n\n")
    assert second.says_nothing
    assert not drafting.contents(campaign=draft)[0].says_nothing


def test_takes_the_browsers_clock_of_who_has_none(operator, draft):
    factories.ProspectFactory()
    form(operator, reverse("campaign-new"), {"name": "Mine", "time_zone": "Europe/Vienna"})
    assert Campaign.objects.get(name="Mine").time_zone == "Europe/Vienna"
    form(operator, reverse("campaign-new"), {"name": "Other", "time_zone": "Nowhere/At all"})
    assert Campaign.objects.get(name="Other").time_zone == "UTC"


def test_asks_for_a_rehearsal_until_the_present_text_had_one(operator, draft, now):
    person = factories.ProspectFactory()
    launch = at("campaign-launch", draft)
    assert "Rehearse it first" in operator.get(launch).content.decode()
    rehearsing.start(campaign=draft, prospects=[person], to="me@office.example", now=now, by=None)
    for address in (launch, at("campaign-edit", draft)):
        assert "Rehearse it first" not in operator.get(address).content.decode()
    step = Step.objects.get(sequence_version__campaign=draft)
    drafting.save_text(step=step, subject="Hello", text=f"Another {GOOD}")
    for address in (launch, at("campaign-edit", draft)):
        assert "Rehearse it first" in operator.get(address).content.decode()


def test_warns_beside_the_step_too(operator, lacking_one):
    step = only_step()
    assert f'id="mind-{step.public_id}"' in operator.get(at("campaign-edit", lacking_one)).content.decode()
    part = operator.get(at("campaign-check", lacking_one), **PART).content.decode()
    beside = part[part.index(f'id="mind-{step.public_id}" hx-swap-oob') :]
    assert "1 of 2 people has no “lieblingsartikel”" in beside


def test_knows_no_rehearsal_and_no_other_campaigns_step(operator, draft):
    rehearsal = factories.campaign()
    step = Step.objects.filter(sequence_version__campaign=rehearsal).first()
    assert operator.get(at("step-save", draft, step.public_id)).status_code == 405
    assert form(operator, at("step-move", draft, step.public_id), {}).status_code == 404
    Campaign.objects.filter(pk=rehearsal.pk).update(rehearsal_of=draft, rehearsal_to="me@outreach.example")
    assert operator.get(at("campaign-edit", rehearsal)).status_code == 404


def test_survives_a_segment_that_cannot_be_read(operator, draft):
    Segment.objects.update(filter={"nonsense": json.loads("1")})
    factories.ProspectFactory()
    assert operator.get(at("campaign-edit", draft)).status_code == 200
    assert "nonsense" not in operator.get(at("campaign-audience", draft), **PART).content.decode()
    assert operator.get(at("campaign-audience-people", draft, "written")).status_code == 302


@pytest.fixture
def lacking_one(draft):
    factories.ProspectFactory(custom={"lieblingsartikel": "Tea"})
    factories.ProspectFactory()
    drafting.save_text(step=only_step(), subject="Hello", text=f"{{{{ custom.lieblingsartikel }}}}{drafting.FOOT}")
    return draft


def test_says_before_the_launch_who_lacks_what_a_step_needs(operator, lacking_one):
    people = at("campaign-audience-people", lacking_one, "lacks-custom-lieblingsartikel")
    for route in ("campaign-check", "campaign-launch"):
        page = operator.get(at(route, lacking_one)).content.decode()
        assert "1 of 2 people has no “lieblingsartikel”, which step 1 needs" in page
        assert "{{ custom.lieblingsartikel | default: &#x27;…&#x27; }}" in page
        assert people in page
        assert "Nothing is missing" not in page
    listed = operator.get(people).content.decode()
    assert "People who have no “lieblingsartikel”" in listed
    assert listed.count("<tbody><tr>") == listed.count("</tr>\n</tbody>") == 1
    assert operator.get(at("campaign-audience-people", lacking_one, "lacks-company")).status_code == 404
    form(operator, at("campaign-launch", lacking_one), {})
    assert Enrollment.objects.count() == 2  # it keeps nobody from the launch


def test_finds_no_fault_only_where_the_reader_can_read_it(operator, lacking_one):
    page = operator.get(at("campaign-edit", lacking_one)).content.decode()
    assert "custom.lieblingsartikel is empty" in page
    assert "No problems found." not in page
    reader = Prospect.objects.exclude(custom={}).get()
    page = operator.get(at("campaign-edit", lacking_one), {"as": str(reader.public_id)}).content.decode()
    assert "No problems found." in page


def test_says_who_is_under_way_in_another_campaign(operator, draft, running):
    running(people=2)
    people = at("campaign-audience-people", draft, "elsewhere")
    for route in ("campaign-check", "campaign-launch", "campaign-audience"):
        page = operator.get(at(route, draft)).content.decode()
        assert "2 of these people are under way in another campaign" in page
        assert people in page
    listed = operator.get(people).content.decode()
    assert "People who are under way in another campaign" in listed


def test_offers_the_peoples_own_columns_first(operator, lacking_one):
    page = operator.get(at("campaign-edit", lacking_one)).content.decode()
    assert page.index("From your sheet") < page.index("Lieblingsartikel") < page.index("Always there")
    assert page.index("{{ custom.lieblingsartikel }}</button>") < page.index("{{ first_name }}</button>")


@pytest.mark.parametrize("route", ["campaign-check", "campaign-launch", "campaign-audience"])
def test_checks_with_the_same_queries_however_many_lack_something(
    operator, lacking_one, django_assert_max_num_queries, route
):
    with django_assert_max_num_queries(65) as one:  # a launch also asks what its forecast needs
        operator.get(at(route, lacking_one))
    for number in range(4):
        factories.ProspectFactory(custom={f"column_{number}": "x"})
    drafting.add_step(campaign=lacking_one, text=f"{{{{ company }}}}{drafting.FOOT}", by=None)
    with django_assert_max_num_queries(len(one)):
        operator.get(at(route, lacking_one))
