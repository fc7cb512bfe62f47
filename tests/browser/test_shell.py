"""The shell in a real browser: signing in, stopping everything, the keyboard, a phone."""

import pytest

from campaigns import stopping
from tests.browser.windows import DESK

pytestmark = [pytest.mark.browser, pytest.mark.django_db(transaction=True)]


def test_an_operator_stops_all_sending_and_a_manager_resumes(browser, sign_in, live_server):
    page = browser(*DESK, timezone_id="Europe/Berlin")
    user = sign_in(page, "operator")
    user.refresh_from_db()
    assert user.time_zone == "Europe/Berlin"
    page.click("text=Stop all sending")
    page.fill("[name=reason]", "a trial")
    page.click("main button.danger")
    assert "a trial" in page.inner_text(".banner.bad")
    assert stopping.is_stopped()
    assert page.locator("text=Resume sending").count() == 0
    page.click("[aria-label='Sign out']")
    sign_in(page, "manager")
    page.click(".bar >> text=Resume sending")
    page.click("main button.primary")
    assert page.locator(".banner.bad").count() == 0
    assert not stopping.is_stopped()


@pytest.mark.prove
def test_the_bar_opens_on_a_phone_and_the_slash_goes_to_the_search(page, sign_in, browser):
    sign_in(page)
    assert not page.is_visible("#search")
    page.click("text=Menu")
    assert page.is_visible("#search")
    desk = browser(*DESK)
    sign_in(desk)
    desk.keyboard.press("/")
    assert desk.evaluate("document.activeElement.id") == "search"


@pytest.mark.prove
def test_the_switch_between_light_and_dark_stays(browser, sign_in):
    page = browser(*DESK, color_scheme="light")
    sign_in(page)
    ground = "getComputedStyle(document.body).backgroundColor"
    light = page.evaluate(ground)
    page.click("[data-theme-switch]")
    dark = page.evaluate(ground)
    page.reload()
    assert light != dark == page.evaluate(ground)
