"""Who is the same person: addresses and domains in one spelling, and the keyed hashes they are compared by."""

import re
import unicodedata
from functools import lru_cache

import idna
from email_validator import SPECIAL_USE_DOMAIN_NAMES, EmailNotValidError, validate_email
from publicsuffixlist import PublicSuffixList

from outreach.lib import signing
from outreach.lib.errors import DomainError, Problem

EDGES = "\u200b\u200c\u200d\u200e\u200f\u2060\ufeff\u00ad"  # zero width: pasted along, seen by nobody
INVISIBLE = re.compile("[\u200b\u2060\ufeff\u00ad]")
PLAIN_LOCAL = re.compile(r"[A-Za-z0-9_+-]+(?:\.[A-Za-z0-9_+-]+)*")  # what needs no library to be right
PLAIN_DOMAIN = re.compile(r"(?:[a-z0-9](?:-?[a-z0-9]){0,62}\.)+([a-z]{2,63})")
SPECIAL_USE = frozenset(name.rpartition(".")[2] for name in SPECIAL_USE_DOMAIN_NAMES)  # RFC 6761
MAX_LOCAL, MAX_ADDRESS = 64, 254  # RFC 5321 section 4.5.3.1
SAME_PROVIDER = {"googlemail.com": "gmail.com"}
DOTLESS = frozenset({"gmail.com"})  # providers that ignore dots before the @
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
        result = f"{local}@{_domain(domain)}"
    else:
        result = _validated(address)
    if len(result) > MAX_ADDRESS:
        raise BadAddress(f"The address is longer than {MAX_ADDRESS} characters.")
    return result


def fold(address: str) -> str:
    """The spelling under which two addresses are the same person's. Idempotent, and never raises.

    Case, width, what was pasted around, the +tag, and for providers that ignore them the dots make no difference.
    """
    while (folded := _folded_once(address)) != address:
        address = folded
    return address


def address_key(address: str) -> str:
    """The keyed hash of the folded address, as 64 hexadecimal digits: comparable, and tells nobody the address."""
    return signing.keyed_hash("address", fold(address))


def contact_keys(*, email: str, site_domain: str = "") -> list[str]:
    """All keys that a suppression can name this person by: the address, its host, that host's owner, the site."""
    keys = [f"address:{address_key(email)}"] if email else []
    host = email.rpartition("@")[2].lower()
    domains = (host, registrable_domain(host), site_domain)
    return list(dict.fromkeys(keys + [f"domain:{domain}" for domain in domains if domain]))


def key_for(kind: str, value: str) -> str:
    """What a suppression of an "address" or a "domain" is compared by; one of `contact_keys` of those it stops."""
    return f"address:{address_key(value)}" if kind == "address" else f"domain:{value}"


@lru_cache(maxsize=65_536)
def registrable_domain(host: str) -> str:
    """The part of a host name that somebody registered (Public Suffix List), or "" when there is none."""
    host = ascii_host(host)
    if not host or host.replace(".", "").isdigit():
        return ""
    return _suffixes().privatesuffix(host) or ""


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


def _folded_once(address: str) -> str:
    text = unicodedata.normalize("NFKC", _bare(address)).casefold()
    local, at, domain = text.rpartition("@")
    if not at:
        return text
    domain = ascii_host(domain) or domain.strip()
    domain = SAME_PROVIDER.get(domain, domain)
    local = local.partition("+")[0] or local
    if domain in DOTLESS:
        local = local.replace(".", "") or local
    return f"{local}@{domain}"


@lru_cache(maxsize=65_536)
def _domain(domain: str) -> str:
    plain = PLAIN_DOMAIN.fullmatch(domain.lower())
    if plain and plain[1] not in SPECIAL_USE and max(map(len, domain.split("."))) <= 63:
        return domain.lower()
    return _validated(f"a@{domain}")[2:]


def _validated(address: str) -> str:
    try:
        found = validate_email(
            address, allow_smtputf8=True, check_deliverability=False, test_environment=False, strict=True
        )
    except EmailNotValidError as error:
        raise BadAddress(str(error)) from error
    return f"{found.local_part}@{found.ascii_domain}"


@lru_cache(maxsize=1)
def _suffixes() -> PublicSuffixList:
    return PublicSuffixList()
