"""Every page, on a phone and at a desk, in the light and in the dark, with JavaScript and without."""

import pytest
from axe_playwright_python.sync_playwright import Axe
from django.utils import timezone

from campaigns import counting, stopping
from outreach.permissions import OWN_RULE, PUBLIC, ROUTES
from tests.browser.windows import DESK, PHONE
from tests.world import OddWorld

pytestmark = [pytest.mark.browser, pytest.mark.prove, pytest.mark.django_db(transaction=True)]

PARTS = (
    *("today-live", "campaign-live", "campaign-chart", "rehearsal-live", "import-live", "import-rejects"),
    "sending-settle-live",
    "step-html",  # a frame in which nothing runs, so nothing can be asked in it
    *("file", "prospects-export", "suppressions-export"),  # downloads
)
PAGES = [
    name
    for name, methods in ROUTES.items()
    if methods.get("GET") not in (None, PUBLIC, OWN_RULE) and name not in PARTS
    if not name.startswith("api-") or name.startswith("api-key")
]
OFFICE = [
    f"/admin/{table}/"
    for table in (
        *("tables", "prospects/prospect", "prospects/prospect/add", "prospects/suppression", "prospects/importbatch"),
        *("campaigns/campaign", "campaigns/campaign/add", "campaigns/message", "campaigns/message/export"),
        *("integrations/mailbox/add", "accounts/user", "accounts/user/add", "accounts/apikey/add"),
        "django_celery_beat/periodictask",
    )
]
LARGEST = 300_000  # bytes over the wire, everything that the page loads included


@pytest.fixture
def world(transactional_db):
    world = OddWorld(timezone.now())
    counting.recount(now=timezone.now())
    return world


@pytest.fixture
def addresses(world):
    return [
        *(world.address(name) for name in PAGES),
        *("/inbox/?tab=all", "/campaigns/?state=paused", "/prospects/?q=ü", "/search/?q=site"),
        *(OFFICE),
        f"/admin/prospects/prospect/{world.person.pk}/change/",
        f"/admin/campaigns/message/{world.message.pk}/change/",
    ]


@pytest.mark.parametrize("size", [PHONE, DESK], ids=["phone", "desk"])
def test_is_accessible_small_and_fits_its_window(addresses, browser, sign_in, live_server, size):
    page = browser(*size, color_scheme="light", reduced_motion="reduce")
    sign_in(page)
    wrong = []
    for address in addresses:
        wrong += _wrong(page, live_server.url, address)
    stopping.stop_all(reason="a trial", by=None)
    wrong += [each for address in ("/", "/sending/resume/") for each in _wrong(page, live_server.url, address)]
    assert not wrong, "\n".join(wrong)


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


def _wrong(page, base, address):
    """Whatever axe finds, best practice (the order of headings, landmarks) included, and what we measure.

    What is folded away is looked at too; in the dark only colours are others.
    """
    answer = page.goto(base + address)
    page.wait_for_selector(".htmx-request", state="detached")  # parts that load themselves
    if not answer.ok:
        return [f"{address}: {answer.status}"]
    problems = [*_measures(page)]
    page.evaluate("document.querySelectorAll('main details').forEach(folded => folded.open = true)")
    problems += [f"unfolded {problem}" for problem in _widths(page)]
    page.evaluate("document.querySelectorAll('main details.pop-up').forEach(menu => menu.open = false)")
    problems += _findings(page)
    page.emulate_media(color_scheme="dark")
    problems += [f"in the dark {problem}" for problem in _findings(page, runOnly=["color-contrast"])]
    page.emulate_media(color_scheme="light")
    return [f"{address}: {problem}" for problem in problems]


def _findings(page, **options):
    violations = Axe().run(page, options=options).response["violations"]
    return [
        f"{found['id']} ({found['help']}): {[node['target'] for node in found['nodes']][:5]}" for found in violations
    ]


def _measures(page):
    size = page.evaluate(
        "[...performance.getEntriesByType('resource'), ...performance.getEntriesByType('navigation')]"
        ".reduce((sum, entry) => sum + entry.encodedBodySize, 0)"
    )
    if size > LARGEST:
        yield f"weighs {size} bytes"
    yield from _widths(page)
    lost = page.locator("body:not(.office) th:not([scope])").count()
    if lost:
        yield f"has {lost} heads of columns or rows without a scope"
    names = page.locator("body:not(.office) table:not(:has(caption), [aria-label])").count()
    if names:
        yield f"has {names} tables without a name"


def _widths(page):
    width = page.evaluate("document.documentElement.scrollWidth - innerWidth")
    if width > 0:
        yield f"is {width} px too wide"
