"""What a sending service's HTTP answer means: pure functions from status and words to an outcome."""

import re
from collections.abc import Mapping
from datetime import datetime, timedelta
from email.utils import parsedate_to_datetime

from integrations.ports import Fault, Outcome, Phase, Verdict

REPLY_CHARACTERS = 500
LONGEST_WAIT = timedelta(days=1)
NOT_TAKEN = frozenset({429, 503})  # the request was not worked on
KNOWN = "duplicate_parameter"
UNCLEAR = frozenset({408, 409})
OUR_ACCOUNT = frozenset({401, 402, 403})
OUR_ACCOUNT_WORDS = re.compile(r"not verified|\bfrom\b|\bsender|signature|api.?key|not enough credit|suspended", re.I)
# "Invalid `to` field", "email is not valid in to", "Invalid 'To' address", "marked as inactive"
RECIPIENT_WORDS = re.compile(
    r"invalid [`'\"]?to\b|not valid in to\b|parsing [`'\"]?to\b|inactive (?:address|recip)", re.I
)


def classify(*, code: int, words: str, retry_after: timedelta = timedelta(0)) -> Outcome:
    """What an answer that is no success means; code 0 is none at all after the request was written.

    Whatever does not say clearly that nothing was accepted is UNKNOWN: it is never sent again without the same key.
    """
    verdict, fault = _meaning(code, words)
    return Outcome(
        verdict=verdict,
        phase=Phase.DOT_SENT,
        code=code,
        reply=words[:REPLY_CHARACTERS],
        fault=fault,
        retry_after=retry_after if verdict is Verdict.DEFERRED else timedelta(0),
    )


def is_known(reply: str) -> bool:
    """Whether the service says that it has worked on a request with this key already (Brevo)."""
    return reply.startswith(KNOWN)


def _meaning(code: int, words: str) -> tuple[Verdict, Fault]:
    if code in NOT_TAKEN:
        return Verdict.DEFERRED, Fault.SERVER
    if code in UNCLEAR or is_known(words) or not 400 <= code < 500:
        return Verdict.UNKNOWN, Fault.SERVER
    if code in OUR_ACCOUNT:
        return Verdict.REFUSED, Fault.MAILBOX
    if RECIPIENT_WORDS.search(words):
        return Verdict.REFUSED, Fault.RECIPIENT
    return Verdict.REFUSED, Fault.MAILBOX if OUR_ACCOUNT_WORDS.search(words) else Fault.CONTENT


def wait_of(headers: Mapping[str, str], *, now: datetime) -> timedelta:
    """What Retry-After asks for (RFC 9110 section 10.2.3: seconds or a date), a day at most; zero without one."""
    said = headers.get("Retry-After", "").strip()
    if said.isdigit():
        return min(timedelta(seconds=int(said[:9])), LONGEST_WAIT)
    try:
        until = parsedate_to_datetime(said)
        return max(timedelta(0), min(until - now, LONGEST_WAIT))
    except (ValueError, TypeError):
        return timedelta(0)


def words_of(body: object, text: str) -> tuple[str, str]:
    """The name of the error and its words, from a service's JSON or else from the bare text."""
    if not isinstance(body, dict):
        return "", text
    name = str(body.get("name") or body.get("code") or body.get("ErrorCode") or "")
    return name, f"{name} {body.get('message') or body.get('Message') or ''}".strip()
