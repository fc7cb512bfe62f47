"""Does the public address, which every link in every mail begins with, lead to this installation?"""

import ipaddress
import ssl
from http.client import HTTPConnection, HTTPException, HTTPSConnection
from urllib.parse import SplitResult, urljoin, urlsplit

from django.conf import settings
from django.core.cache import cache

from campaigns.models import Campaign
from outreach.lib import signing
from outreach.lib.errors import Problem

HEADER = "Outreach-Installation"
SECONDS = 4.0
FINE_FOR, WRONG_FOR = 60, 10  # seconds that an answer is believed: what was mended should be seen soon
ENDINGS = (".localhost", ".local", ".internal", ".lan", ".home", ".test", ".invalid")
REDIRECTS = frozenset({301, 302, 303, 307, 308})


def fingerprint() -> str:
    """What /health says of itself: two installations never say the same."""
    return signing.keyed_hash("public address", "fingerprint")[:32]


def problems(*, campaign: Campaign) -> tuple[Problem, ...]:
    """What keeps recipients from opening our links; nothing for a mailbox whose mail never leaves this machine.

    May take `SECONDS`, once a minute.
    """
    if campaign.mailbox.is_demo:
        return ()
    wrong = only_here(url=settings.PUBLIC_URL) or look(url=settings.PUBLIC_URL)
    return (Problem("public_address", wrong),) if wrong else ()


def only_here(*, url: str) -> str:
    """A sentence when an address can be opened on this machine or network only, "" when others may reach it.

    Only looks at how it is written: a public name may well lead to a private address when asked from inside.
    """
    parts = _split(url)
    if parts is None:
        return ""  # no address at all: `look` says so
    host = (parts.hostname or "").rstrip(".")
    try:
        is_private = not ipaddress.ip_address(host).is_global
    except ValueError:
        is_private = "." not in host or host.endswith(ENDINGS)
    if not is_private:
        return ""
    return (
        f"Recipients could not open the unsubscribe link: {url} works on this machine or network only. "
        "Set PUBLIC_URL to the address people reach this installation at."
    )


def last_look(*, url: str) -> str | None:
    """What `look` found within the last minute; None when it is to be asked again."""
    found: str | None = cache.get(key(url=url))
    return found


def look(*, url: str, seconds: float = SECONDS, again: bool = False) -> str:
    """A sentence about what is wrong with an address, "" when this installation answers at it.

    Asks its /health, or remembers for a minute what that said; `again` forgets it first.
    """
    known = None if again else last_look(url=url)
    if known is not None:
        return known
    wrong = _ask(url, seconds)
    cache.set(key(url=url), wrong, WRONG_FOR if wrong else FINE_FOR)
    return wrong


def key(*, url: str) -> str:
    """Where the cache remembers what was found at an address."""
    return f"public-address:{signing.keyed_hash('public address', url)}"


def _ask(url: str, seconds: float) -> str:
    wanted = _split(f"{url}/health")
    if wanted is None:
        return f"“{url}” is not an address like https://outreach.example.com: mend PUBLIC_URL."
    try:
        status, whose, location = _get(wanted, seconds)
        onwards = _split(urljoin(wanted.geturl(), location)) if status in REDIRECTS else None
        if onwards and onwards.scheme == "https" and onwards.hostname == wanted.hostname:
            status, whose, _ = _get(onwards, seconds)
    except ssl.SSLError as error:
        return f"{url} has no valid certificate: {getattr(error, 'verify_message', '') or error.reason or error}."
    except (OSError, HTTPException) as error:
        why = "no answer in time" if isinstance(error, TimeoutError) else str(error) or type(error).__name__
        return f"Nobody answers at {url} ({why})."
    if whose == fingerprint():
        return ""
    if status == 400:
        return f"{url} leads to a server that refuses its own name: is the host in ALLOWED_HOSTS?"
    return f"{url} leads to another server than this one (it answered {status}): mend PUBLIC_URL or the proxy."


def _split(url: str) -> SplitResult | None:
    try:
        parts = urlsplit(url)
        usable = parts.scheme in ("http", "https") and bool(parts.hostname) and parts.port != 0
    except ValueError:
        return None
    return parts if usable else None


def _get(parts: SplitResult, seconds: float) -> tuple[int, str, str]:
    """Status, whose installation it is, and where it leads. Raises OSError, HTTPException."""
    kind = HTTPSConnection if parts.scheme == "https" else HTTPConnection
    connection = kind(parts.hostname or "", parts.port, timeout=seconds)
    try:
        connection.request("GET", parts.path, headers={"User-Agent": "Outreach", "Connection": "close"})
        answer = connection.getresponse()
        return answer.status, answer.headers.get(HEADER, ""), answer.headers.get("Location", "")
    finally:
        connection.close()
