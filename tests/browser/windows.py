"""How Chromium is started, and the two windows pages are looked at in."""

ARGUMENTS = ["--no-sandbox", "--disable-gpu", "--disable-background-networking", "--disable-component-update"]
PHONE, DESK = (375, 700), (1280, 800)
