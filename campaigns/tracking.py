"""Links we mail: each names a stored row under a signature, never an address of its own."""

import re
from collections.abc import Iterable, Mapping
from datetime import datetime, timedelta
from functools import cache
from html import escape, unescape
from uuid import UUID

from django.conf import settings
from django.urls import reverse

from campaigns.models import Arm, Event, Message, SequenceVersion, TrackedLink
from outreach.lib import signing

UNSUBSCRIBE, CLICK = "unsubscribe", "click"
LONGEST_URL = 2000  # the column's length; a longer link is mailed as it is
SCANNER_SECONDS = 5  # a click this soon after the hand-over is a scanner's

# `\bhref` in any case; searching for the set in front is three times as fast.
_HREF = re.compile(r'(?P<before>[Hh](?<!\w[Hh])(?i:ref)\s*=\s*")(?P<url>(?i:https?)://[^"{}\s]+)(?=")')


def unsubscribe_url(*, public_id: UUID) -> str:
    """The opt-out link of one message; it never expires."""
    return _absolute("unsubscribe", signing.make_token(UNSUBSCRIBE, public_id))


def _absolute(route: str, token: str) -> str:
    """Built from the setting, never from a request's Host header."""
    before, after = _around(route)
    return f"{settings.PUBLIC_URL}{before}{token}{after}"


@cache
def _around(route: str) -> tuple[str, str]:
    """What stands before and after the token in a route's path: looked up once, not for every link of every mail."""
    before, _, after = reverse(route, args=["TOKEN"]).partition("TOKEN")
    return before, after


def register_links(*, version: SequenceVersion) -> None:
    """Stores the fixed http(s) links of a sequence's HTML, so that mails may point to them."""
    arms = Arm.objects.filter(step__sequence_version=version).select_related("template_version")
    rows = [
        TrackedLink(template_version=arm.template_version, url=url)
        for arm in arms
        for url in {unescape(found["url"]) for found in _HREF.finditer(arm.template_version.html)}
        if len(url) <= LONGEST_URL
    ]
    TrackedLink.objects.bulk_create(rows, ignore_conflicts=True)


def links_of(template_version_ids: Iterable[int]) -> dict[int, dict[str, int]]:
    """url → id of the stored links, by template version."""
    found: dict[int, dict[str, int]] = {}
    for pk, version_id, url in TrackedLink.objects.filter(template_version__in=template_version_ids).values_list(
        "id", "template_version_id", "url"
    ):
        found.setdefault(version_id, {})[url] = pk
    return found


def with_tracked_links(html: str, *, public_id: UUID, links: Mapping[str, int]) -> str:
    """The HTML with every stored link pointing to us; unsubscribe and unknown links stay as they are."""
    if not links:
        return html

    def replace(found: re.Match[str]) -> str:
        link_id = links.get(unescape(found["url"]))
        if link_id is None:
            return found[0]
        token = signing.make_token(CLICK, public_id, number=link_id)
        return found["before"] + escape(_absolute("click", token))

    return _HREF.sub(replace, html)


def record_click(*, token: str, by_machine: bool, now: datetime) -> str:
    """Writes one event for a visit of a mailed link and returns where it leads; a rehearsal's visits are not counted.

    A visit within seconds of the hand-over is a scanner's. Raises signing.BadToken.
    """
    public_id, link_id = signing.read_token(CLICK, token)
    message = Message.objects.select_related("campaign").filter(public_id=public_id).first()
    link = TrackedLink.objects.filter(pk=link_id).first()
    if message is None or link is None:
        raise signing.BadToken
    if message.campaign.rehearsal_of_id:
        return link.url
    if message.handed_over_at and now < message.handed_over_at + timedelta(seconds=SCANNER_SECONDS):
        by_machine = True
    minute = int(now.timestamp() // 60)  # one event a minute per link and kind: scanners hammer
    Event.record_once(
        kind=Event.Kind.CLICKED,
        message=message,
        occurred_at=now,
        by_machine=by_machine,
        detail={"url": link.url},
        dedupe_key=f"click:{message.pk}:{link.pk}:{minute}:{by_machine}",
    )
    return link.url
