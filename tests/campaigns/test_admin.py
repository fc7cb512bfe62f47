import pytest

from campaigns.models import Campaign, Enrollment, SendingControl, Step
from prospects.models import Prospect, Suppression
from tests import factories


@pytest.fixture
def office(client, db):
    client.force_login(factories.UserFactory(role="manager", is_staff=True))
    return client


def _act(office, page, action, *rows):
    form = {"action": action, "_selected_action": [row.pk for row in rows]}
    return office.post(f"/admin/{page}/", form, follow=True).content.decode()


@pytest.fixture
def ready(db, now):
    factories.ProspectFactory()
    return factories.campaign(mailbox=factories.MailboxFactory(verified_at=now), steps=1)


def test_builds_a_campaign_step_by_step(office):
    form = {
        "name": "Spring",
        "program": factories.ProgramFactory().pk,
        "segment": factories.SegmentFactory().pk,
        "mailbox": factories.MailboxFactory().pk,
        "time_zone": "Europe/Berlin",
    }
    assert office.post("/admin/campaigns/campaign/add/", form).status_code == 302
    campaign = Campaign.objects.get()
    step = {"campaign": campaign.pk, "template": factories.template().pk, "delay": 2, "delay_unit": "days"}
    step |= {"window_start": "09:00", "window_end": "17:00", "weekdays": "1,2,3"}
    assert office.post("/admin/campaigns/step/add/", step).status_code == 302
    made = Step.objects.get()
    assert (made.sequence_version.campaign, made.weekdays, made.arms.count()) == (campaign, [1, 2, 3], 1)
    assert office.get(f"/admin/campaigns/step/{made.pk}/change/").status_code == 200
    assert office.post(f"/admin/campaigns/step/{made.pk}/delete/", {"post": "yes"}).status_code == 302
    assert not Step.objects.exists()


def test_says_beside_the_field_what_the_verb_refuses(office, ready):
    form = {"name": "X", "program": ready.program_id, "segment": ready.segment_id, "mailbox": ready.mailbox_id}
    page = office.post("/admin/campaigns/campaign/add/", form | {"time_zone": "Mars/Base"})
    assert "time_zone" in page.context["adminform"].form.errors


def test_refuses_to_change_what_was_launched(office, ready):
    _act(office, "campaigns/campaign", "launch", ready)
    form = {"program": ready.program_id, "segment": ready.segment_id, "mailbox": ready.mailbox_id, "time_zone": "UTC"}
    address = f"/admin/campaigns/campaign/{ready.pk}/change/"
    assert office.post(address, form | {"name": "Other"}).status_code == 403
    assert b'name="name"' not in office.get(address).content  # read, not edited


def test_launches_pauses_and_resumes(office, ready):
    assert "1 people enrolled" in _act(office, "campaigns/campaign", "launch", ready)
    assert "1 paused." in _act(office, "campaigns/campaign", "pause", ready)
    assert "1 resumed." in _act(office, "campaigns/campaign", "resume", ready)


def test_says_everything_that_keeps_a_campaign_from_its_launch(office):
    campaign = factories.campaign(program=factories.ProgramFactory(postal_address=""), steps=0)
    page = _act(office, "campaigns/campaign", "launch", campaign)
    assert "postal address" in page
    assert "no step" in page


def test_suppresses_people_and_stops_what_runs(office, ready):
    _act(office, "campaigns/campaign", "launch", ready)
    assert "1 suppressed." in _act(office, "prospects/prospect", "suppress", Prospect.objects.get())
    assert Enrollment.objects.get().state == "stopped"
    assert "1 suppressed before." in _act(office, "prospects/prospect", "suppress", Prospect.objects.get())


def test_stops_people_for_good(office, ready):
    _act(office, "campaigns/campaign", "launch", ready)
    assert "1 stopped." in _act(office, "prospects/prospect", "stop", Prospect.objects.get())
    assert Prospect.objects.get().stopped_at
    assert Enrollment.objects.get().state == "stopped"


def test_adds_a_suppression_through_the_verb(office, ready):
    _act(office, "campaigns/campaign", "launch", ready)
    email = Prospect.objects.get().email
    form = {"kind": "address", "value": email.upper(), "reason": "manual", "source": "telephone"}
    assert office.post("/admin/prospects/suppression/add/", form).status_code == 302
    assert Enrollment.objects.get().state == "stopped"
    bad = office.post("/admin/prospects/suppression/add/", form | {"value": "nonsense"})
    assert bad.context["adminform"].form.errors
    assert Suppression.objects.count() == 1


def test_stops_and_resumes_all_sending(office):
    control, _ = SendingControl.objects.get_or_create(pk=1)
    _act(office, "campaigns/sendingcontrol", "stop_all", control)
    assert SendingControl.objects.get().stopped_at
    _act(office, "campaigns/sendingcontrol", "resume_all", control)
    assert SendingControl.objects.get().stopped_at is None
