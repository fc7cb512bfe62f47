"""Every page, on a phone and at a desk, in the light and in the dark, with JavaScript and without."""

import pytest
from axe_playwright_python.sync_playwright import Axe
from django.utils import timezone

from campaigns import counting
from outreach.permissions import OWN_RULE, PUBLIC, ROUTES
from tests.browser.conftest import DESK, PHONE
from tests.world import World

pytestmark = [pytest.mark.browser, pytest.mark.prove, pytest.mark.django_db(transaction=True)]

PARTS = ("today-live", "campaign-live", "campaign-chart", "campaign-audience", "campaign-check", "rehearsal-live")
FILES = ("import-live", "import-rejects")
LEFT_OUT = {*PARTS, *FILES, "import-columns", "import-preview", "rehearsal"}  # these need a file or a run: see journeys
PAGES = [
    name
    for name, methods in ROUTES.items()
    if methods.get("GET") not in (None, PUBLIC, OWN_RULE) and name not in LEFT_OUT
    if not name.startswith("api-") or name.startswith("api-key")
]
OFFICE = ("/admin/prospects/prospect/", "/admin/campaigns/message/", "/admin/django_celery_beat/periodictask/")
LARGEST = 300_000  # bytes over the wire, everything that the page loads included
SERIOUS = ("serious", "critical")


@pytest.fixture
def addresses(transactional_db):
    world = World(timezone.now())
    counting.recount(now=timezone.now())
    return [*(world.address(name) for name in PAGES), *OFFICE]


@pytest.mark.parametrize("size", [PHONE, DESK], ids=["phone", "desk"])
@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_is_accessible_small_and_fits_its_window(addresses, browser, sign_in, live_server, size, scheme):
    page = browser(*size, color_scheme=scheme)
    sign_in(page)
    wrong = []
    for address in addresses:
        page.goto(live_server.url + address, wait_until="networkidle")
        wrong += [f"{address}: {problem}" for problem in (*_findings(page), *_measures(page))]
    assert wrong == []


def test_can_be_read_without_javascript(addresses, browser, sign_in, live_server):
    plain, lively = browser(*DESK, java_script_enabled=False), browser(*DESK)
    for page in (plain, lively):
        sign_in(page)
    for address in addresses:
        if not address.startswith("/admin/"):
            plain.goto(live_server.url + address)
            lively.goto(live_server.url + address)
            assert plain.inner_text("h1") == lively.inner_text("h1"), address
            assert len(plain.inner_text("main")) > 40, address


def _findings(page):
    violations = Axe().run(page).response["violations"]
    return [
        f"{found['id']} ({found['help']}): {[node['target'] for node in found['nodes']][:5]}"
        for found in violations
        if found["impact"] in SERIOUS
    ]


def _measures(page):
    size = page.evaluate(
        "[...performance.getEntriesByType('resource'), ...performance.getEntriesByType('navigation')]"
        ".reduce((sum, entry) => sum + entry.encodedBodySize, 0)"
    )
    if size > LARGEST:
        yield f"weighs {size} bytes"
    width = page.evaluate("document.documentElement.scrollWidth - innerWidth")
    if width > 0:
        yield f"is {width} px too wide"
