"""What we are told about a person, field by field, in the spelling we store; the same for a form and for a file."""

import math
import re
from collections.abc import Callable, Mapping
from datetime import UTC, date, datetime, time
from typing import Any, TypeVar
from urllib.parse import urlsplit

from disposable_email_domains import blocklist

from outreach.lib.text import printable
from prospects import identity, places, reading
from prospects.models import Prospect

LANGUAGE = re.compile(r"[a-z]{2,3}(-[A-Z0-9][A-Za-z0-9]{1,5})?")  # BCP 47, as far as a message needs it
CUSTOM_NAME = re.compile(r"[^\W\d]\w{0,49}")  # what a template can write as custom.<name>
MAX_CUSTOM, MAX_CUSTOM_VALUE = 200, 5_000
MAX_TAGS, MAX_TAG = 50, 50
MAX_NOTE, MAX_OTHERS = 10_000, 10
ROLES: frozenset[str] = frozenset(
    """
    abuse accounting accounts admin administrator ads advertise advertising affiliate affiliates affiliation
    anfrage assistance billing booking bookings bonjour business careers contact contacto contatti contato
    contact-us customer customercare customerservice editor editorial editors enquiries enquiry feedback hallo hello
    help helpdesk hi hola hostmaster hr info information inquiries inquiry jobs kontakt kundenservice legal mail
    mailbox marketing media news newsletter no-reply noreply office orders partner partners partnership partnerships
    post postmaster pr presse press privacy redaktion redazione root sales security service shop sponsor sponsorship
    sponsorships staff support team tech verkauf vertrieb webmaster welcome
    """.split()  # noqa: SIM905
)  # several people read such a mailbox (RFC 2142 and what is usual)
SHARED_HOSTS: frozenset[str] = frozenset(
    """
    youtube.com youtu.be instagram.com facebook.com fb.com x.com twitter.com linkedin.com tiktok.com
    pinterest.com twitch.tv reddit.com medium.com linktr.ee bio.link t.me discord.gg patreon.com threads.net
    """.split()  # noqa: SIM905
)  # a page there belongs to a person, the domain does not

R = TypeVar("R")


class Refused(Exception):
    """One value can't be stored; the message is a sentence."""


def clean(values: Mapping[str, object]) -> tuple[dict[str, Any], dict[str, str]]:
    """The values as they are stored, and a sentence for each field that can't be: exactly one of the two per field."""
    cleaned: dict[str, Any] = {}
    errors: dict[str, str] = {}
    for field, value in values.items():
        try:
            cleaned[field] = _cleaner(field)("" if value is None else value)
        except (Refused, identity.BadAddress) as refusal:
            errors[field] = str(refusal)
    return cleaned, errors


def site_domain(*, email: str, website: str) -> str:
    """The site a person belongs to: the website's domain, else the address's, unless it is shared by strangers."""
    host = urlsplit(website).hostname or ""
    domain = identity.registrable_domain(host)
    if domain:
        return "" if domain in SHARED_HOSTS else domain
    return site_of_mail(email.rpartition("@")[2])


def site_of_mail(host: str) -> str:
    """The site of whoever has an address at this host: "" where strangers have one as well."""
    domain = identity.registrable_domain(host)
    return "" if identity.is_free_mail(domain) else domain


def address_kind(email: str) -> str:
    """ "role" or "disposable" where the address is no person's own (Prospect.AddressKind), else ""."""
    local, _, domain = email.rpartition("@")
    if is_disposable(domain):
        return Prospect.AddressKind.DISPOSABLE
    role = local.partition("+")[0].lower().replace("_", "-").replace(".", "-")
    return Prospect.AddressKind.ROLE if role in ROLES else Prospect.AddressKind.PERSONAL


def is_disposable(domain: str) -> bool:
    """Whether addresses there are for throwing away."""
    return domain in blocklist or identity.registrable_domain(domain) in blocklist


def _cleaner(field: str) -> Callable[[Any], Any]:
    try:
        return CLEANERS[field]
    except KeyError:
        raise Refused(f"There is no field {field!r}.") from None


def _text(limit: int) -> Callable[[Any], str]:
    def cleaner(value: Any) -> str:
        text = printable(str(value))
        if len(text) > limit:
            raise Refused(f"This is longer than {limit} characters.")
        return text

    return cleaner


def _email(value: Any) -> str:
    text = str(value).strip()
    return identity.normalise(text) if text else ""


def _website(value: Any) -> str:
    text = _text(490)(value)
    if not text:
        return ""
    address = text if "://" in text else f"https://{text}"
    try:
        parsed = urlsplit(address)
        host = parsed.hostname or ""
    except ValueError:
        raise Refused(f"{text[:60]!r} is no web address.") from None
    if parsed.scheme.lower() not in {"http", "https"} or " " in address or not identity.registrable_domain(host):
        raise Refused(f"{text[:60]!r} is no web address.")
    return address


def _x_handle(value: Any) -> str:
    text = str(value).strip()
    if text and not identity.handle(text):
        raise Refused(f"{text[:60]!r} is no X handle.")
    return identity.handle(text)


def _country(value: Any) -> str:
    text = str(value).strip()
    if text and not places.country_code(text):
        raise Refused(f"{text[:60]!r} is no country we know; use its English name or its two-letter code.")
    return places.country_code(text) if text else ""


def _time_zone(value: Any) -> str:
    text = str(value).strip()
    if text and not places.zone_name(text):
        raise Refused(f"{text[:60]!r} is no time zone; use an IANA name such as Europe/Berlin.")
    return places.zone_name(text) if text else ""


def _language(value: Any) -> str:
    base, dash, region = str(value).strip().replace("_", "-").partition("-")
    text = base.lower() + dash + (region.upper() if len(region) == 2 else region.title())
    if text and not LANGUAGE.fullmatch(text):
        raise Refused("A language is written like en or pt-BR.")
    return text


def _tags(value: Any) -> list[str]:
    given = [tag for item in ([value] if isinstance(value, str) else value) for tag in re.split(r"[,;|]", str(item))]
    tags = list(dict.fromkeys(tag for tag in (printable(str(item)) for item in given) if tag))
    if len(tags) > MAX_TAGS or any(len(tag) > MAX_TAG for tag in tags):
        raise Refused(f"At most {MAX_TAGS} tags of at most {MAX_TAG} characters.")
    return tags


def _custom(value: Any) -> dict[str, str | int | float | bool]:
    """Replaces all custom fields; an empty value removes its field. A number and a yes or no stay what they are."""
    if not isinstance(value, Mapping):
        if value == "":
            return {}
        raise Refused("Custom fields are an object of names and texts.")
    if unclear := next((name for name, item in value.items() if isinstance(item, reading.Unclear)), None):
        raise Refused(f"{unclear}: {value[unclear]}")
    fields = {str(name): _custom_value(item) for name, item in value.items()}
    if wrong := next((name for name in fields if not CUSTOM_NAME.fullmatch(name)), None):
        raise Refused(f"{wrong[:60]!r} can't name a custom field: letters, digits and _ only, not a digit first.")
    if len(fields) > MAX_CUSTOM or any(
        isinstance(item, str) and len(item) > MAX_CUSTOM_VALUE for item in fields.values()
    ):
        raise Refused(f"At most {MAX_CUSTOM} custom fields of at most {MAX_CUSTOM_VALUE:,} characters.")
    return {name: item for name, item in fields.items() if item != ""}


def _custom_value(item: object) -> str | int | float | bool:
    if isinstance(item, bool | int) or (isinstance(item, float) and math.isfinite(item)):
        return item
    return printable("" if item is None else str(item), keep="\n\t")


def _other_emails(value: Any) -> list[str]:
    given = reading.addresses(value) if isinstance(value, str) else list(value)
    found = list(dict.fromkeys(identity.normalise(str(item)) for item in given if str(item).strip()))
    if len(found) > MAX_OTHERS:
        raise Refused(f"At most {MAX_OTHERS} further addresses.")
    return found


def _note(value: Any) -> str:
    text = printable(str(value).replace("\r\n", "\n"), keep="\n\t")
    if len(text) > MAX_NOTE:
        raise Refused(f"A note has at most {MAX_NOTE:,} characters.")
    return text


def _stage(value: Any) -> str:
    text = str(value).strip()
    return _clear(reading.stage, text) if text else ""


def _moment(value: Any) -> datetime | None:
    if isinstance(value, datetime):
        return value
    if isinstance(value, date):
        return datetime.combine(value, time(), UTC)
    text = str(value).strip()
    return _clear(reading.moment, text) if text else None


def _day(value: Any) -> date | None:
    found = _moment(value)
    return found.date() if found else None


def _yes(value: Any) -> bool:
    return value if isinstance(value, bool) else reading.is_yes(str(value))


def _clear(read: Callable[[str], R], text: str) -> R:
    try:
        return read(text)
    except reading.Unclear as unclear:
        raise Refused(str(unclear)) from unclear


def _kind(value: Any) -> str:
    text = str(value).strip().lower() or Prospect.Kind.PERSON
    if text not in Prospect.Kind.values:
        raise Refused(f"A kind is one of {', '.join(Prospect.Kind.values)}.")
    return text


CLEANERS: dict[str, Callable[[Any], Any]] = {
    "email": _email,
    "kind": _kind,
    "first_name": _text(100),
    "last_name": _text(100),
    "company": _text(200),
    "job_title": _text(200),
    "website": _website,
    "x_handle": _x_handle,
    "linkedin_url": _text(300),
    "country": _country,
    "time_zone": _time_zone,
    "language": _language,
    "tags": _tags,
    "custom": _custom,
    "source": _text(200),
    "legal_basis": _text(100),
    "other_emails": _other_emails,
    "note": _note,
    "owner": _text(200),
    "stage": _stage,
    "contacted_elsewhere_at": _moment,
    "notice_date": _day,
    "do_not_contact": _yes,
}
