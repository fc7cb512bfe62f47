"""What a recipient sees in a real browser, under the real content security policy."""

import pytest

from campaigns import tracking
from campaigns.models import Message
from prospects.models import Suppression

pytestmark = [pytest.mark.browser, pytest.mark.django_db(transaction=True)]


def test_a_person_unsubscribes_with_one_button(running, live_server, page):
    world = running()
    world.tick()
    link = tracking.unsubscribe_url(public_id=Message.objects.get().public_id)
    page.goto(live_server.url + "/u/" + link.rpartition("/u/")[2])
    assert "No more mail from Acme?" in page.inner_text("h1")
    assert not Suppression.objects.exists()
    page.click("button")
    assert page.inner_text("h1") == "You are unsubscribed."
    assert Suppression.objects.get().source == "page"
    assert page.evaluate("document.documentElement.scrollWidth <= innerWidth")


@pytest.mark.prove
def test_the_page_to_browse_the_api_works_under_its_policy(live_server, page):
    page.goto(live_server.url + "/api/v1/docs/")
    page.wait_for_selector("text=/api/v1/campaigns/")
