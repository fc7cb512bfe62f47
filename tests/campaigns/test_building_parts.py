"""Parts of the campaign builder that a newcomer stumbled over."""

import pytest
from django.utils import timezone

from campaigns import drafting
from campaigns.models import Campaign, Enrollment, Message
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


def test_says_that_a_second_click_launches_nothing(operator, draft):
    factories.ProspectFactory()
    form(operator, at("campaign-launch", draft), {})
    for again in (
        lambda: form(operator, at("campaign-launch", draft), {}),
        lambda: operator.get(at("campaign-launch", draft)),
    ):
        answer = again()
        assert answer.url == at("campaign", draft)
        assert "was launched already" in operator.get(answer.url).content.decode()
    assert Enrollment.objects.count() == 1


@pytest.mark.parametrize("said", ["5:00 PM", "25:00", "nine", ""])
def test_takes_hours_on_a_24_hour_clock_only(operator, draft, said):
    step = only_step()
    page = operator.get(at("campaign-edit", draft)).content.decode()
    assert 'type="time"' not in page
    assert 'value="09:00"' in page
    refused = form(operator, at("step-save", draft, step.public_id), fields_of(step, window_end=said), **PART)
    assert "“to” takes a time on a 24-hour clock, like 09:00 or 17:30." in refused.content.decode()
    form(
        operator,
        at("step-save", draft, step.public_id),
        fields_of(step, window_start="7.30", window_end="24:00"),
        **PART,
    )
    step.refresh_from_db()
    assert (str(step.window_start), str(step.window_end)) == ("07:30:00", "00:00:00")


def test_counts_rehearsals_apart_of_what_the_mailbox_sent_today(operator, draft, running):
    world = running(people=1)
    world.tick()
    Message.objects.update(mailbox=draft.mailbox, handed_over_at=timezone.now())
    assert "<dd>1 of at most 10,000</dd>" in operator.get(at("campaign-edit", draft)).content.decode()
    Campaign.objects.filter(pk=world.campaign.pk).update(rehearsal_of=draft, rehearsal_to="me@office.example")
    assert (
        "<dd>1 of at most 10,000, 1 of them rehearsal</dd>" in operator.get(at("campaign-edit", draft)).content.decode()
    )


def test_frames_the_html_version_without_letting_anything_in_or_out(operator, draft):
    factories.ProspectFactory()
    step = only_step()
    shown = operator.get(at("campaign-edit", draft)).content.decode()
    assert "It goes out as plain text." in shown
    html = '<p style="color:red">Hi {{ first_name }} {{ postal_address }} {{ unsubscribe_url }}</p>'
    form(operator, at("step-save", draft, step.public_id), fields_of(step, html=html), **PART)
    shown = operator.get(at("campaign-edit", draft)).content.decode()
    framed = at("step-html", draft, step.public_id)
    assert f'src="{framed}?as=' in shown
    assert "<iframe" in shown
    answer = operator.get(framed)
    assert answer.content.decode().startswith('<p style="color:red">Hi ')
    assert answer["X-Frame-Options"] == "SAMEORIGIN"
    policy = answer["Content-Security-Policy"]
    assert "default-src 'none'" in policy
    assert "sandbox" in policy
    assert "script-src" not in policy
