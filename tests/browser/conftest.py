"""Debian's Chromium against the live server of the test."""

import shutil

import pytest
from django.contrib.staticfiles.handlers import StaticFilesHandler
from django.db import connections
from playwright.sync_api import sync_playwright

from tests import factories
from tests.browser.windows import ARGUMENTS, PHONE

PASSWORD = "correct horse battery"


@pytest.fixture(autouse=True)
def files_as_in_production(monkeypatch):
    """Static files come through the middleware, compressed, as `make run` serves them: pages are weighed."""
    monkeypatch.setattr(StaticFilesHandler, "_should_handle", lambda handler, path: False)


@pytest.fixture
def browser(monkeypatch):
    """`browser(width, height, …)` opens a page; whatever a page logs as an error fails the test."""
    chromium = shutil.which("chromium") or shutil.which("chromium-browser")
    if chromium is None:
        pytest.skip("there is no Chromium on this machine (on Debian: apt-get install chromium)")
    monkeypatch.setenv("DJANGO_ALLOW_ASYNC_UNSAFE", "true")  # Playwright's loop runs on the test's own thread
    errors = []
    with sync_playwright() as playwright:
        chrome = playwright.chromium.launch(executable_path=chromium, args=ARGUMENTS)

        def open_page(width, height, **options):
            opened = chrome.new_context(viewport={"width": width, "height": height}, **options).new_page()
            opened.on("console", lambda said: errors.append(said.text) if said.type == "error" else None)
            opened.on("pageerror", lambda error: errors.append(str(error)))
            return opened

        yield open_page
        chrome.close()
        connections.close_all()  # under Playwright's loop Django keeps connections apart from the test's usual ones
        assert errors == []


@pytest.fixture
def page(browser):
    """A page on a phone."""
    return browser(*PHONE)


@pytest.fixture
def sign_in(live_server):
    """`sign_in(page, role)` signs a new person of that role in, through the form."""

    def enter(page, role="administrator"):
        user = factories.UserFactory(role=role)
        user.set_password(PASSWORD)
        user.save()
        page.goto(live_server.url + "/sign-in/")
        page.fill("[name=username]", user.username)
        page.fill("[name=password]", PASSWORD)
        page.click("text=Sign in >> visible=true")
        page.wait_for_url(live_server.url + "/")
        return user

    return enter
