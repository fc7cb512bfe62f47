"""From nothing to a campaign at work, and a rehearsal, in the browser; the ticks are in the test's hand."""

import re
from datetime import UTC, datetime, time, timedelta
from email.header import decode_header, make_header

import pytest
from django.utils import timezone
from playwright.sync_api import expect

from campaigns import counting, delivery, inbound, planning
from campaigns.models import Enrollment, Message
from integrations import polling
from integrations.models import Mailbox
from prospects.importing import running
from tests import factories
from tests.browser.windows import DESK

pytestmark = [pytest.mark.browser, pytest.mark.prove, pytest.mark.django_db(transaction=True)]

OURS = "ada@acme.example"
FOOT = "{{ postal_address }} {{ unsubscribe_url }}"
SHEET = (
    "E-Mail;Vorname;Firma;Land;Nische\n"
    "jose@tea.example;José;Teatime;GB;rituals\n"
    "jonas@kannen.example;Jonas;Kannenkunde;DE;teapots\n"
    "nobody;Sofia;Hojas;ES;herbs\n"
)


def test_an_empty_installation_becomes_a_campaign_at_work(browser, sign_in, live_server, smtp, imap, reachable):
    page = browser(*DESK)
    sign_in(page)
    page.goto(live_server.url + "/setup/")
    adds_a_program(page)
    adds_a_mailbox(page, live_server.url, smtp, imap)
    brings_in_a_sheet(page, live_server.url)
    writes_two_steps(page)
    launches(page)
    hands_over_what_is_due(a_working_noon())
    expect(number(page, "Written to")).to_have_text(re.compile("^2 "), timeout=12_000)  # nobody pressed reload
    assert {mail.recipient for mail in smtp.received} == {"jose@tea.example", "jonas@kannen.example"}
    assert {str(make_header(decode_header(mail.subject))) for mail in smtp.received} == {
        "José, a word",
        "Jonas, a word",
    }
    page.goto(live_server.url + "/setup/")
    expect(page.locator("h1")).to_have_text("All set")


def adds_a_program(page):
    page.click("main >> text=Add your program")
    page.fill("[name=name]", "Acme affiliates")
    page.fill("[name=merchant]", "Acme")
    page.fill("[name=website]", "https://acme.example/")
    page.fill("[name=postal_address]", "Acme Ltd, 1 High Street, London")
    page.click("main button.primary")
    expect(page.locator("main")).to_contain_text("Acme affiliates")


def adds_a_mailbox(page, base, smtp, imap):
    imap.add_user(OURS, "secret")
    page.goto(base + "/settings/mailboxes/add/")
    page.click("text=Another one")
    said = {"from_name": "Ada Sender", "from_address": OURS, "gap_seconds": "0", "imap_username": OURS}
    for name, value in {**said, "imap_password": "secret", "smtp_host": "127.0.0.1", "imap_host": "127.0.0.1"}.items():
        page.fill(f"[name={name}]", value)
    for kind, server in (("smtp", smtp), ("imap", imap)):
        page.select_option(f"[name={kind}_security]", "none")
        page.fill(f"[name={kind}_port]", str(server.port))
    page.click("main button.primary")
    expect(page.locator(".notice", has_text="both servers answer")).to_be_visible()


def brings_in_a_sheet(page, base):
    page.goto(base + "/imports/new/")
    page.set_input_files("[type=file]", {"name": "tea.csv", "mimeType": "text/csv", "buffer": SHEET.encode()})
    page.click("main button.primary")
    expect(page.locator("main")).to_contain_text("Nische")
    page.click("main button.primary")
    expect(page.locator("main tbody tr")).to_have_count(3)
    page.click("text=Import 2 people")
    expect(page.locator("main")).to_contain_text("It begins in a moment.")
    running.run_next()
    page.click("text=Start a campaign with them", timeout=12_000)
    page.fill("[name=name]", "Spring")
    page.click("main button.primary")


def writes_two_steps(page):
    first = page.locator("article.step").first
    first.locator("[name=subject]").fill("{{ first_name }}, a word")
    first.locator("[name=text]").fill("Hello {{ first_name }}, you write about {{ custom.nische }}.")
    expect(first.locator(".problems")).to_contain_text("unsubscribe link")
    first.locator("[name=text]").fill(f"Hello {{{{ first_name }}}}, you write about {{{{ custom.nische }}}}. {FOOT}")
    expect(first.locator(".pane")).to_contain_text("No problems found.")
    expect(first.locator(".pane .exact")).to_contain_text(re.compile("Hello (José|Jonas), you write about"))
    expect(first.locator(".pane .state")).to_contain_text("Saved")
    page.click("text=Add a follow-up")
    second = page.locator("article.step").nth(1)
    second.locator("[name=text]").fill(f"Did you see my mail, {{{{ first_name }}}}? {FOOT}")
    expect(second.locator(".pane")).to_contain_text("No problems found.")
    expect(page.locator("#check")).to_contain_text("Nothing is missing.")


def launches(page):
    page.click("#launch-button:has-text('2 people')")
    expect(page.locator("h1")).to_contain_text("to 2 people?")
    page.click("main button.primary:has-text('Launch to 2 people')")
    expect(number(page, "People in it")).to_have_text("2")
    expect(number(page, "Written to")).to_have_text(re.compile("^0"))


def number(page, name):
    return page.locator(".funnel > div", has_text=name).locator("dd")


def a_working_noon():
    """Noon, UTC, of the next Monday to Friday: inside the window of everybody in the sheet."""
    day = timezone.now().date() + timedelta(days=1)
    while day.isoweekday() > 5:
        day += timedelta(days=1)
    return datetime.combine(day, time(12), UTC)


def hands_over_what_is_due(now):
    """One round of planning and delivery, when everything planned is due; then the numbers are counted."""
    planning.plan(now=now)
    due = Message.objects.order_by("-send_at").values_list("send_at", flat=True)[0] + timedelta(seconds=1)
    delivery.deliver(mailbox_id=Mailbox.objects.get().pk, now=due, owner="test")
    counting.recount(now=due)


def test_a_rehearsal_shows_every_mail_and_an_answer_ends_it(mailbox, smtp, browser, sign_in, live_server):
    Mailbox.objects.filter(pk=mailbox.pk).update(verified_at=timezone.now())
    patient, eager = factories.ProspectFactory(first_name="Pat"), factories.ProspectFactory(first_name="Eve")
    draft = factories.campaign(mailbox=mailbox, steps=2)
    page = browser(*DESK)
    sign_in(page, "operator")
    page.goto(live_server.url + f"/campaigns/{draft.public_id}/rehearse/")
    page.fill("[name=to]", "me@office.example")
    for person in (patient, eager):
        page.check(f"[name=people][value='{person.public_id}']")
    page.click("text=Start the rehearsal")
    page.wait_for_url(re.compile("/rehearsals/"))
    now = timezone.now()
    ticks(mailbox, now=now)
    pat, eve = page.locator("section.card", has_text="As Pat"), page.locator("section.card", has_text="As Eve")
    for played in (pat, eve):
        expect(played.locator(".badge.good")).to_have_count(1, timeout=12_000)
    eve.locator("summary", has_text="Answer as").click()
    eve.locator("button", has_text="Send this answer").click()
    ticks(mailbox, now=now + timedelta(seconds=5))
    expect(eve).to_contain_text("you answered", timeout=12_000)
    ticks(mailbox, now=now + timedelta(seconds=130))
    expect(pat.locator(".badge.good")).to_have_count(2, timeout=12_000)
    pat.locator("summary", has_text="Hello Pat").first.click()
    expect(pat.locator(".letter").first).to_contain_text("a word about")
    assert [mail.recipient for mail in smtp.received] == ["me@office.example"] * 3
    stopped = Enrollment.objects.filter(prospect=eager).values_list("stop_reason", flat=True)
    assert list(stopped) == ["replied"]


def ticks(mailbox, *, now):
    """One round of every tick: poll, apply, plan, deliver."""
    polling.poll(mailbox=mailbox)
    inbound.apply_waiting(now=now)
    planning.plan(now=now)
    delivery.deliver(mailbox_id=mailbox.pk, now=now + timedelta(seconds=1), owner="test")
