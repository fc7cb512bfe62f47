"""Who is the same person: addresses, domains and handles in one spelling, and the keys they are compared by."""

import re
import unicodedata
from collections.abc import Sequence
from functools import lru_cache
from urllib.parse import unquote

import idna
from email_validator import SPECIAL_USE_DOMAIN_NAMES, EmailNotValidError, validate_email
from publicsuffixlist import PublicSuffixList

from outreach.lib import signing
from outreach.lib.errors import DomainError, Problem

EDGES = "\u200b\u200c\u200d\u200e\u200f\u2060\ufeff\u00ad"  # zero width: pasted along, seen by nobody
INVISIBLE = re.compile("[\u200b\u2060\ufeff\u00ad]")
PLAIN_LOCAL = re.compile(r"[A-Za-z0-9_+-]+(?:\.[A-Za-z0-9_+-]+)*")  # what needs no library to be right
PLAIN_DOMAIN = re.compile(r"(?:[a-z0-9]+(?:-[a-z0-9]+)*\.)+([a-z]{2,63})")
SPECIAL_USE = frozenset(name.rpartition(".")[2] for name in SPECIAL_USE_DOMAIN_NAMES)  # RFC 6761
MAX_LOCAL, MAX_ADDRESS = 64, 254  # RFC 5321 section 4.5.3.1
X_LINK = re.compile(r"(?:https?://)?(?:www\.|mobile\.|m\.)?(?:x|twitter)\.com/([^/?#]*)", re.IGNORECASE)
X_HANDLE = re.compile(r"@?([A-Za-z0-9_]{1,20})")  # 15 today, older accounts have up to 20
X_PAGES = frozenset({"home", "i", "intent", "search", "hashtag", "share", "explore", "settings", "messages", "login"})
LINKEDIN_LINK = re.compile(r"(?:https?://)?(?:[a-z-]+\.)?linkedin\.com/(?:mwlite/)?(.*)", re.IGNORECASE)
LINKEDIN_PAGES = frozenset({"in", "pub", "company", "school", "showcase"})
# What the providers' own help pages say goes to one mailbox, and nothing more: outlook.com and hotmail.com are two
# people's. Gmail: dots, googlemail.com. Apple: me.com and mac.com. Proton: one name on all its domains; dots, hyphens
# and underscores are ignored. Fastmail: subdomains. Yahoo: disposable addresses (a name has no hyphen of its own).
SAME_PROVIDER = {
    "googlemail.com": "gmail.com",
    "me.com": "icloud.com",
    "mac.com": "icloud.com",
    "protonmail.com": "proton.me",
    "protonmail.ch": "proton.me",
    "pm.me": "proton.me",
}
IGNORED = {"gmail.com": str.maketrans("", "", "."), "proton.me": str.maketrans("", "", "._-")}
HYPHEN_TAGS = frozenset("yahoo.com yahoo.co.uk yahoo.de yahoo.fr yahoo.it yahoo.es ymail.com rocketmail.com".split())  # noqa: SIM905
FREE_MAIL: frozenset[str] = frozenset(
    """
    gmail.com googlemail.com outlook.com hotmail.com hotmail.co.uk hotmail.de hotmail.fr hotmail.it live.com
    msn.com yahoo.com yahoo.co.uk yahoo.co.in yahoo.co.jp yahoo.de yahoo.fr yahoo.it yahoo.es yahoo.com.br
    ymail.com aol.com icloud.com me.com mac.com proton.me protonmail.com pm.me tutanota.com fastmail.com
    zoho.com hey.com mail.com gmx.de gmx.net gmx.at gmx.ch gmx.com web.de t-online.de freenet.de posteo.de
    mailbox.org orange.fr free.fr wanadoo.fr laposte.net sfr.fr libero.it virgilio.it tiscali.it mail.ru
    yandex.ru yandex.com bk.ru list.ru inbox.ru ukr.net seznam.cz wp.pl o2.pl interia.pl onet.pl qq.com
    163.com 126.com sina.com naver.com daum.net hanmail.net uol.com.br bol.com.br terra.com.br comcast.net
    verizon.net att.net bigpond.com btinternet.com ziggo.nl
    """.split()  # noqa: SIM905
)


class BadAddress(DomainError):
    """An address or domain that can't be written to; the message is a sentence."""

    title = "The address is not valid"

    def __init__(self, message: str, *, field: str = "email") -> None:
        super().__init__(message, [Problem(field, message)])


def normalise(address: str) -> str:
    """The address as it is stored and written to: what was pasted around it is gone, the domain is lower-case ASCII.

    The local part stays as it was given (RFC 5321 leaves its case to the receiver). Special-use names such as
    `.test` and `.invalid` are refused (RFC 6761), the reserved `.example` is not. Raises BadAddress.
    """
    address = _bare(address)
    local, at, domain = address.rpartition("@")
    if at and domain.isascii() and len(local) <= MAX_LOCAL and PLAIN_LOCAL.fullmatch(local):
        result = f"{local}@{mail_domain(domain)}"
    else:
        result = _validated(address)
    if len(result) > MAX_ADDRESS:
        raise BadAddress(f"The address is longer than {MAX_ADDRESS} characters.")
    return result


@lru_cache(maxsize=65_536)
def mail_domain(domain: str) -> str:
    """The domain of an address as it is stored. Raises BadAddress."""
    lower = domain.lower()
    plain = PLAIN_DOMAIN.fullmatch(lower)
    if plain and plain[1] not in SPECIAL_USE and (len(lower) <= 63 or max(map(len, lower.split("."))) <= 63):
        return lower
    return _validated(f"a@{domain}")[2:]


def fold(address: str) -> str:
    """The spelling under which two addresses are the same person's. Idempotent, and never raises.

    Case, width, what was pasted around, the +tag, and what the provider ignores (dots, say) make no difference.
    """
    while (folded := _folded_once(address)) != address:
        address = folded
    return address


def address_key(address: str) -> str:
    """The keyed hash of the folded address, as 64 hexadecimal digits: comparable, and tells nobody the address."""
    return signing.keyed_hash("address", fold(address))


def person_key(*, email: str = "", x_handle: str = "", linkedin_url: str = "") -> str | None:
    """What a person is known by, `Prospect.identity_key`: the address, else the X handle, else the LinkedIn page.

    None when none of them names anybody. No two kinds share a key.
    """
    if email:
        return address_key(email)
    if handle := fold_handle(x_handle):
        return signing.keyed_hash("x", handle)
    page = fold_linkedin(linkedin_url)
    return signing.keyed_hash("linkedin", page) if page else None


def contact_keys(
    *, email: str, site_domain: str = "", x_handle: str = "", linkedin_url: str = "", others: Sequence[str] = ()
) -> list[str]:
    """All keys that a suppression can name this person by, each once.

    The address comes first, then its host, that host's owner, the site, the X handle, the LinkedIn page, and last the
    other addresses of theirs.
    """
    host = email.rpartition("@")[2].lower()
    keys = [f"address:{address_key(email)}"] if email else []
    keys += [f"domain:{domain}" for domain in (host, registrable_domain(host), site_domain) if domain]
    if handle := x_handle and fold_handle(x_handle):
        keys.append(_page_key("x", handle))
    if page := linkedin_url and fold_linkedin(linkedin_url):
        keys.append(_page_key("linkedin", page))
    keys += [f"address:{address_key(other)}" for other in others if other]
    return list(dict.fromkeys(keys))


def keep_keys(*, new: Sequence[str], old: Sequence[str]) -> list[str]:
    """The new keys, and of the old ones all that name a person: whoever changed their address has still said no.

    A domain is not kept: people leave companies.
    """
    return list(dict.fromkeys([*new, *(key for key in old if not key.startswith("domain:"))]))


def key_for(kind: str, value: str) -> str:
    """What a suppression of an "address", "domain", "x" or "linkedin" is compared by; one of `contact_keys`."""
    match kind:
        case "address":
            return f"address:{address_key(value)}"
        case "x":
            return _page_key("x", fold_handle(value))
        case "linkedin":
            return _page_key("linkedin", fold_linkedin(value))
    return f"domain:{value}"


def handle(text: str) -> str:
    """The X handle in what was pasted, without "@" and in the case it was given; "" where it names no account."""
    text = unicodedata.normalize("NFKC", _bare(text))
    in_link = X_LINK.match(text)
    found = X_HANDLE.fullmatch(in_link[1] if in_link else text)
    return "" if not found or (in_link and found[1].lower() in X_PAGES) else found[1]


def fold_handle(text: str) -> str:
    """The spelling under which two X handles are the same account's: "@Jane", "https://x.com/jane/" are "jane".

    "" where it names no account.
    """
    return handle(text).lower()


def fold_linkedin(text: str) -> str:
    """The spelling under which two LinkedIn pages are the same: "in/jane-doe", "company/acme".

    Host, language, query and case make no difference, nor does what follows the name. A name alone is a person's.
    "" where it names no page. Idempotent.
    """
    while (folded := _page_folded_once(text)) != text:
        text = folded
    return text


@lru_cache(maxsize=65_536)
def registrable_domain(host: str) -> str:
    """The part of a host name that somebody registered (Public Suffix List), or "" when there is none."""
    host = ascii_host(host)
    if not host or host.replace(".", "").isdigit():
        return ""
    return _suffixes().owned(host)


def ascii_host(host: str) -> str:
    """A host name in lower-case ASCII (UTS 46), or "" when it can't be one."""
    host = host.strip().rstrip(".").lower()
    if host.isascii() and "xn--" not in host:
        return host
    try:
        return idna.encode(host, uts46=True).decode()
    except (idna.IDNAError, UnicodeError):
        return ""


def is_free_mail(domain: str) -> bool:
    """Whether anybody can have an address there, so that the domain says nothing about the person's site."""
    return domain in FREE_MAIL


def _bare(address: str) -> str:
    """Strips what people paste along: spaces of all kinds, zero-width characters, "Name <…>", "mailto:…?subject=…"."""
    address = INVISIBLE.sub("", address).strip().strip(EDGES).strip()
    if address.endswith(">") and "<" in address:
        address = address[address.rindex("<") + 1 : -1].strip()
    if address[:7].lower() == "mailto:":
        address = address[7:].partition("?")[0].strip()
    return address


def _page_key(kind: str, folded: str) -> str:
    """Hashed as an address is: what an erasure leaves must not say whose page it was."""
    return f"{kind}:{signing.keyed_hash(kind, folded)}"


def _page_folded_once(text: str) -> str:
    text = unicodedata.normalize("NFKC", unquote(_bare(text)))
    in_link = LINKEDIN_LINK.match(text)
    if not in_link and ("." in text or "@" in text):
        return ""
    parts = [part for part in re.split(r"[?#]", in_link[1] if in_link else text)[0].split("/") if part.strip()]
    if len(parts) == 1 and not in_link:
        parts.insert(0, "in")
    if len(parts) < 2 or parts[0].lower() not in LINKEDIN_PAGES:
        return ""
    if parts[0].lower() == "pub":
        return f"in/{_of_public_page(parts[1:])}"
    return f"{parts[0]}/{parts[1]}".casefold()


def _of_public_page(parts: Sequence[str]) -> str:
    """What LinkedIn sends its old links on to: "pub/jane-doe/a7/576/b50" is "in/jane-doe-b50576a7"."""
    name, *numbers = (part.casefold() for part in parts[:4])
    if len(numbers) < 3:
        return name
    first, second, third = numbers
    return f"{name}-{third.zfill(3)}{second.zfill(3)}{first.lstrip('0')}"


def _folded_once(address: str) -> str:
    text = unicodedata.normalize("NFKC", _bare(address)).casefold()
    local, at, domain = text.rpartition("@")
    if not at:
        return text
    domain = ascii_host(domain) or domain.strip()
    domain = SAME_PROVIDER.get(domain, domain)
    local = local.partition("+")[0] or local  # of every provider: rather stop two people than write to one who said no
    if domain in HYPHEN_TAGS:
        local = local.partition("-")[0] or local
    if domain in IGNORED:
        local = local.translate(IGNORED[domain]) or local
    if domain.endswith(".fastmail.com"):
        local, domain = domain.removesuffix(".fastmail.com"), "fastmail.com"
    return f"{local}@{domain}"


def _validated(address: str) -> str:
    if "@" not in address:  # said by the library as well, a hundred times slower: a large file has many
        raise BadAddress("An email address must have an @-sign.")
    try:
        found = validate_email(
            address, allow_smtputf8=True, check_deliverability=False, test_environment=False, strict=True
        )
    except EmailNotValidError as error:
        raise BadAddress(str(error)) from error
    return f"{found.local_part}@{found.ascii_domain}"


class _Suffixes(PublicSuffixList):
    """The Public Suffix List, with a short way for what most hosts are: a name under a suffix of one label."""

    def __init__(self) -> None:
        super().__init__()
        self._wild = {rule[2:] for rule in self._publicsuffix if rule.startswith("*.")}
        self._named = {rule.removeprefix("!") for rule in self._publicsuffix} | self._wild

    def owned(self, host: str) -> str:
        """The part that somebody registered, or ""."""
        name, _, top = host.rpartition(".")
        if name and top and "." not in name and host not in self._named and top not in self._wild:
            return host
        return self.privatesuffix(host) or ""


@lru_cache(maxsize=1)
def _suffixes() -> _Suffixes:
    return _Suffixes()
