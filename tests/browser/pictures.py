"""Takes the pictures for README and docs from a running installation, as a fresh `make run` shows it.

    .venv/bin/python -m tests.browser.pictures http://127.0.0.1:8000 PASSWORD

Wait until the demo campaign has some answers (three minutes or so). Writes docs/pictures/<name>-<width>.png.
"""

import re
import shutil
import sys
from pathlib import Path

from playwright.sync_api import sync_playwright

from tests.browser.windows import ARGUMENTS, DESK, PHONE

FOLDER = Path(__file__).resolve().parents[2] / "docs" / "pictures"
SHEET = "Email;First name;Company;Country;Niche\n" + "".join(
    f"{name.lower()}@{site}.example;{name};{site.title()};{country};{niche}\n"
    for name, site, country, niche in (
        ("Amira", "teatime", "GB", "tea rituals"),
        ("Jonas", "kannenkunde", "DE", "teapots"),
        ("Sofia", "hojas", "ES", "herbal tea"),
        ("Not an address", "nowhere", "GB", "silence"),
    )
)


def main(base, password):
    FOLDER.mkdir(exist_ok=True)
    with sync_playwright() as playwright:
        chrome = playwright.chromium.launch(executable_path=shutil.which("chromium"), args=ARGUMENTS)
        for width, height in (DESK, PHONE):
            page = chrome.new_context(
                viewport={"width": width, "height": height}, timezone_id="Europe/Berlin", color_scheme="light"
            ).new_page()
            page.goto(f"{base}/sign-in/")
            page.fill("[name=username]", "admin")
            page.fill("[name=password]", password)
            page.click("button.primary")
            page.wait_for_url(f"{base}/")
            for name, go in SUBJECTS.items():
                go(page, base)
                page.wait_for_load_state("networkidle")
                _shoot(page, FOLDER / f"{name}-{width}.png", (width, height))
                print(f"{name}-{width}.png")
        chrome.close()


def _shoot(page, path, size):
    """At a desk the whole page, in a window as high as it: a frame below the fold is not drawn."""
    if size == DESK:
        page.evaluate("document.querySelector('.bar').style.height = `${innerHeight}px`")
        page.set_viewport_size({"width": size[0], "height": page.evaluate("document.documentElement.scrollHeight")})
        page.wait_for_load_state("networkidle")
    page.screenshot(path=path)
    page.set_viewport_size({"width": size[0], "height": size[1]})


def _today(page, base):
    page.goto(f"{base}/")


def _campaign(page, base):
    page.goto(f"{base}/campaigns/")
    page.get_by_role("link", name="Demo: tea affiliates", exact=True).click()


def _prospect(page, base):
    page.goto(f"{base}/inbox/")  # questions and who is interested come first
    address = page.locator("main a[href^='/prospects/']").first.get_attribute("href")
    page.goto(base + address)


def _builder(page, base):
    page.goto(f"{base}/campaigns/?state=draft")
    drafts = page.locator("main tbody th a")
    if drafts.count():
        drafts.first.click()
        return
    _campaign(page, base)
    page.click("text=Duplicate")
    page.reload()  # without the notice


def _preview(page, base):
    page.goto(f"{base}/imports/new/")
    page.set_input_files("input[type=file]", {"name": "tea.csv", "mimeType": "text/csv", "buffer": SHEET.encode()})
    page.click("main button.primary")
    page.wait_for_url(re.compile("/columns/"))
    page.click("main button.primary")
    page.wait_for_url(re.compile("/preview/"))


def _office(page, base):
    page.goto(f"{base}/admin/prospects/prospect/")


SUBJECTS = {
    "today": _today,
    "campaign": _campaign,
    "prospect": _prospect,
    "builder": _builder,
    "import-preview": _preview,
    "back-office": _office,
}

if __name__ == "__main__":
    main(*sys.argv[1:])
