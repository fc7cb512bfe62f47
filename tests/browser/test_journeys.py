"""The operator's ways through the pages, as she goes them."""

import re

import pytest
from django.utils import timezone
from playwright.sync_api import expect

from campaigns.models import Campaign, Reply
from prospects.models import Note, Prospect
from tests import factories
from tests.browser.conftest import PASSWORD
from tests.browser.windows import DESK
from tests.world import World

pytestmark = [pytest.mark.browser, pytest.mark.django_db(transaction=True)]

MOST_TABS = 40
FOCUS = """() => {
    const held = document.activeElement, style = getComputedStyle(held), box = held.getBoundingClientRect();
    return style.outlineStyle !== "none" && parseFloat(style.outlineWidth) > 0
        && box.bottom > 0 && box.top < innerHeight && box.width > 0;
}"""


@pytest.fixture
def world(transactional_db):
    return World(timezone.now())


@pytest.mark.prove
def test_an_answer_is_read_noted_and_done(world, browser, sign_in, live_server):
    page = browser(*DESK)
    sign_in(page, "operator")
    page.click(".rooms >> text=Inbox")
    page.click(f"article a[href*='{world.reply.prospect.public_id}']")
    page.fill("#note", "Wants to hear more in May")
    page.click("text=Keep the note")
    expect(page.locator("#main .timeline")).to_contain_text("Wants to hear more in May")
    assert Note.objects.filter(prospect=world.reply.prospect, text="Wants to hear more in May").exists()
    page.click(".rooms >> text=Inbox")
    page.click(f"form[action*='{world.reply.public_id}'] button")
    expect(page.locator(".notice")).to_contain_text("Undo")
    world.reply.refresh_from_db()
    assert world.reply.read_at
    assert page.locator("article").count() == Reply.objects.filter(read_at=None).count()


@pytest.mark.prove
def test_a_bulk_action_asks_names_the_number_and_is_taken_back(world, browser, sign_in, live_server):
    page = browser(*DESK)
    sign_in(page, "operator")
    everybody = Prospect.objects.present().count()
    page.goto(live_server.url + "/prospects/")
    page.check("[data-checks-all=id]")
    page.select_option("#action", "tag")
    page.click("text=Go on")
    expect(page.locator("h1")).to_contain_text(f"{everybody} people")
    page.fill("[name=tag]", "spring")
    page.click("text=Add the tag")
    expect(page.locator(".notice.success")).to_contain_text(f"{everybody} people got the tag spring")
    assert Prospect.objects.filter(tags__contains=["spring"]).count() == everybody
    page.click("text=Undo")
    expect(page.locator(".notice.success")).to_contain_text("Taken back")
    assert not Prospect.objects.filter(tags__contains=["spring"]).exists()


@pytest.mark.prove
def test_a_pause_is_taken_back_at_once(world, browser, sign_in, live_server):
    page = browser(*DESK)
    sign_in(page, "operator")
    page.goto(live_server.url + world.address("campaign"))
    page.click("main >> text=Pause")
    expect(page.locator(".notice.success")).to_contain_text("is paused")
    assert Campaign.objects.get(pk=world.campaign.pk).state == "paused"
    page.click("text=Undo")
    expect(page.locator("main >> text=Pause")).to_be_visible()
    assert Campaign.objects.get(pk=world.campaign.pk).state == "running"


@pytest.mark.prove
def test_a_person_is_found_and_noted_with_the_keyboard_alone(browser, live_server):
    person = factories.ProspectFactory(first_name="Clementine")
    user = factories.UserFactory(role="operator")
    user.set_password(PASSWORD)
    user.save()
    page = browser(*DESK)
    page.goto(live_server.url + "/sign-in/")
    go_to(page, "[name=username]")
    page.keyboard.type(user.username)
    go_to(page, "[name=password]")
    page.keyboard.type(PASSWORD)
    page.keyboard.press("Enter")
    page.wait_for_url(live_server.url + "/")
    page.keyboard.press("/")
    page.keyboard.type("clementine")
    page.keyboard.press("Enter")
    page.wait_for_url(re.compile("/search/"))
    skip(page)
    go_to(page, ".hits a")
    page.keyboard.press("Enter")
    page.wait_for_url(live_server.url + f"/prospects/{person.public_id}/")
    skip(page)
    go_to(page, "#note")
    page.keyboard.type("Met at the fair")
    go_to(page, "button:not(.quiet)")
    page.keyboard.press("Enter")
    expect(page.locator("#main .timeline")).to_contain_text("Met at the fair")
    assert Note.objects.get().text == "Met at the fair"


@pytest.mark.prove
def test_a_part_that_renews_itself_leaves_the_keyboard_where_it_is(world, browser, sign_in, live_server):
    page = browser(*DESK)
    sign_in(page, "operator")
    page.goto(live_server.url + world.address("campaign"))
    skip(page)
    go_to(page, "[data-live] button")
    with page.expect_response(re.compile("/live/$")):
        Campaign.objects.filter(pk=world.campaign.pk).update(name="Renamed meanwhile")
    page.wait_for_timeout(200)
    assert page.evaluate("document.activeElement.matches('[data-live] button')")
    page.evaluate("document.activeElement.blur()")
    expect(page.locator("h1")).to_contain_text("Renamed meanwhile", timeout=12_000)


@pytest.mark.prove
def test_a_menu_opens_and_closes_with_the_keyboard_and_gives_the_focus_back(browser, sign_in):
    page = browser(*DESK)
    sign_in(page, "operator")
    go_to(page, "details.add summary")
    page.keyboard.press("Enter")
    go_to(page, "details.add a:last-child")
    page.keyboard.press("Escape")
    assert not page.is_visible("details.add a")
    assert page.evaluate("document.activeElement.matches('details.add summary')")


def skip(page):
    """Past the bar, by the link that only the keyboard finds."""
    page.keyboard.press("Tab")
    assert page.evaluate("document.activeElement.className") == "skip"
    page.keyboard.press("Enter")


def go_to(page, selector):
    """Tab by tab, and every stop can be seen."""
    for _ in range(MOST_TABS):
        if page.evaluate("selector => document.activeElement.matches(selector)", selector):
            return
        page.keyboard.press("Tab")
        assert page.evaluate(FOCUS), page.evaluate("document.activeElement.outerHTML")
    pytest.fail(f"{selector} is not reached in {MOST_TABS} steps")
