"""Which links of a mail lead to us."""

from uuid import uuid4

import pytest

from campaigns import tracking

KNOWN = "https://acme.example/offer?a=1&b=2"
SAID = KNOWN.replace("&", "&amp;")


@pytest.mark.parametrize("before", ['<a href="', '<a HREF = "', '<a class="x"\nhref="', '<a data-href="', 'Href="'])
def test_a_stored_link_leads_to_us(settings, before):
    html = tracking.with_tracked_links(f'{before}{SAID}">x</a>', public_id=uuid4(), links={KNOWN: 1})
    assert html.startswith(f"{before}{settings.PUBLIC_URL}/c/")
    assert html.endswith('">x</a>')


@pytest.mark.parametrize(
    "html",
    [
        f'<a xhref="{SAID}">',
        f'<a éhref="{SAID}">',
        f'<a hhref="{SAID}">',
        f"<a href='{SAID}'>",
        f"<a href={SAID}>",
        '<a href="https://other.example/">',
        '<a href="mailto:a@b.example">',
        f"href {SAID}",
    ],
)
def test_anything_else_stays_as_it_is(html):
    assert tracking.with_tracked_links(html, public_id=uuid4(), links={KNOWN: 1}) == html
