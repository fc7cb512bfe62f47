"""What people write into cells: several addresses, dates in every order, yes and no, stages in their own words."""

import re
from collections.abc import Sequence
from datetime import UTC, date, datetime, timedelta

from prospects.models import Stage


def _words(text: str) -> frozenset[str]:
    return frozenset(text.split())


NOTHING = _words(
    """
    n/a na #n/a none null nil - -- – — ? ?? . x unknown tbd tba missing (blank) (none) (empty) nan undefined
    unbekannt keine kein inconnu aucun desconocido ninguno nessuno sconosciuto
    """
) | {"no email", "not found", "no address", "contact form", "keine e-mail", "kein kontakt", "no website"}
YES = _words("yes y true t 1 1.0 x ✓ ✔ ja j wahr oui vrai sí si verdadero vero on")
NO = _words("no n false f 0 0.0 nein falsch non faux falso off")
STOPPED = _words(
    """
    do_not_contact dnc do_not_email don_t_contact dont_contact never_contact unsubscribed opted_out opt_out blacklisted
    blacklist blocked complained spam_complaint nicht_kontaktieren abgemeldet gesperrt ne_pas_contacter
    désinscrit no_contactar non_contattare stop remove asked_to_stop
    """
)
WORDS_OF_STAGE = {
    Stage.Name.IDENTIFIED: """
        identified new prospect lead to_contact to_do todo not_contacted not_yet_contacted uncontacted open cold found
        neu offen not_started not_reached_out approaching nouveau nuevo nuovo""",
    Stage.Name.CONTACTED: """
        contacted mailed emailed sent reached_out outreach_sent in_progress in_sequence first_email_sent followed_up
        follow_up pitched waiting no_reply no_response completed kontaktiert angeschrieben contacté contactado
        contattato attempted_to_reach active_outreach email_sent waiting_for_reply""",
    Stage.Name.REPLIED: """
        replied responded answered reply_received interested response geantwortet antwort_erhalten répondu respondido
        respondió risposto engaged meeting_booked warm""",
    Stage.Name.NEGOTIATING: """
        negotiating negotiation in_talks in_discussion in_negotiation discussing proposal offer_sent terms_sent
        in_verhandlung verhandlung négociation negociando in_trattativa""",
    Stage.Name.JOINED: """
        joined signed signed_up partner onboarded onboarding registered won successful_placement accepted agreed deal
        link_placed placed link_built link_live live_link agreed_to_link
        affiliate beigetreten partner_gewonnen angemeldet inscrit registrado iscritto customer closed_won""",
    Stage.Name.SELLING: "selling active active_partner producing live converting verkauft aktiv actif activo attivo",
    Stage.Name.DECLINED: """
        declined not_interested rejected refused no lost closed_lost negative not_a_fit abgelehnt kein_interesse
        refusé pas_intéressé rechazado no_interesado rifiutato non_interessato turned_down""",
    Stage.Name.UNREACHABLE: """
        unreachable bounced bad_data invalid invalid_email unresponsive dead wrong_contact nicht_erreichbar injoignable
        inalcanzable irraggiungibile""",
}
STAGE_OF = {word: name for name, words in WORDS_OF_STAGE.items() for word in words.split()}

ADDRESS = re.compile(r"[^\s@<>;,]+@[^\s@<>;,]+\.[^\s@<>;,]+")
NAMED_ADDRESS = re.compile(r"[\"']?([^\"'<>@;]*?)[\"']?\s*<\s*[^\s@<>;,]+@[^\s@<>;,]+>")  # Ada Byron <ada@a.example>
SEPARATORS = re.compile(r"\s*(?:[;,|\n\r\t]|\s/\s|\s&\s|\s(?:and|or|und|oder|et|ou|y|o|e)\s)\s*")
SLASHED = re.compile(r"(?<=[A-Za-z0-9])/(?=[^@/\s]+@)")  # a@x.com/b@y.com
NUMBERS = re.compile(r"(\d{1,4})[./-](\d{1,2})[./-](\d{1,4})(?:[ T,]+(\d{1,2}):(\d{2})(?::(\d{2})(?:\.\d+)?)?.*)?")
ORDINAL = r"(\d{1,2})(?:st|nd|rd|th)?"
NAME = r"[A-Za-zÀ-ÿ]"
WORDED = re.compile(  # Tue, 3 March 2026 · March 3rd, 2026 · 3. Mär 26
    rf"(?:{NAME}{{2,9}}\.?,? +)?(?:{ORDINAL}\.?[ -]+)?({NAME}{{3,10}})\.?[ -]+(?:{ORDINAL},? +)?(\d{{4}}|\d{{2}})"
)
MONTHS = """
    jan january janvier januar jänner ene enero gen gennaio
    feb february fév février fevrier februar febrero febbraio
    mar march mär märz mars marzo mrz
    apr april avr avril abr abril aprile
    may mai mayo mag maggio
    jun june juni juin junio giu giugno
    jul july juli juil juillet julio lug luglio
    aug august août aout ago agosto
    sep sept september septembre septiembre set settembre
    oct october okt oktober octobre octubre ott ottobre
    nov november novembre noviembre
    dec december dez dezember déc décembre decembre dic diciembre dicembre
""".strip().splitlines()
MONTH_OF = {name: number for number, names in enumerate(MONTHS, start=1) for name in names.split()}
SERIALS = range(20_000, 80_000)  # days since 1899-12-30, as Excel counts: 1954 to 2119
EPOCH = datetime(1899, 12, 30, tzinfo=UTC)
YEARS = range(1970, 2101)
NUMERIC = re.compile(r"[+-]?(?:\d{1,3}(?:[ '’,.]\d{3})+|\d+)(?:[.,]\d+)?")

DAY_FIRST, MONTH_FIRST = "day", "month"


class Unclear(Exception):
    """A value means nothing we know; the message is a sentence."""


def word(text: str) -> str:
    """A cell as one lower-case word: "Not interested!" is not_interested."""
    return re.sub(r"\W+", "_", text.strip().lower()).strip("_")


def filled(text: str) -> str:
    """The text, or "" when it only says that there is nothing."""
    text = text.strip()
    return "" if text.casefold() in NOTHING else text


def addresses(text: str) -> list[str]:
    """The addresses of a cell, in its order. A cell that has just one, or none, is given back as it is."""
    count = text.count("@")
    if not count:
        return [text] if filled(text) else []
    pieces = [piece for part in SEPARATORS.split(text) for piece in SLASHED.split(part)]
    found = [piece.strip(" ()[]") for piece in pieces if "@" in piece]
    if count == 1:
        return found if len(pieces) > 1 and not any(filled(piece) for piece in pieces if "@" not in piece) else [text]
    if len(found) == 1:  # nothing but spaces between them
        found = [piece.strip("()[]") for piece in found[0].split() if "@" in piece]
    return list(dict.fromkeys(found))


def is_yes(text: str) -> bool:
    """Whether a mark that stops says yes; whatever does not clearly say no does, for a stop is never lost."""
    said = text.strip().casefold()
    return bool(said) and said not in NO and (said in YES or said not in NOTHING)


def boolean(text: str) -> bool:
    """Raises Unclear."""
    said = text.strip().casefold()
    if said not in YES and said not in NO:
        raise Unclear(f"{text[:40]!r} is neither yes nor no.")
    return said in YES


def stage(text: str) -> str:
    """The name of a stage in people's own words. Raises Unclear."""
    if found := STAGE_OF.get(word(text)):
        return str(found)
    names = ", ".join(Stage.Name.labels).lower()
    raise Unclear(f"{text[:40]!r} is no stage; there is: {names}. Correct it, or read the column as an own field.")


def number(text: str, *, comma: bool = False) -> int | float:
    """A number with or without thousands marks; `comma` tells that decimals follow a comma. Raises Unclear."""
    plain = text.strip().strip("$€£%").strip()
    if not NUMERIC.fullmatch(plain) or len(plain) > 30:
        raise Unclear(f"{text[:40]!r} is no number.")
    plain = re.sub(r"[ '’]", "", plain)
    plain = plain.replace(".", "").replace(",", ".") if comma else plain.replace(",", "")
    try:
        return float(plain) if "." in plain else int(plain)
    except ValueError:
        raise Unclear(f"{text[:40]!r} is no number.") from None


def has_decimal_comma(values: Sequence[str]) -> bool:
    """Whether a column writes 3,5 for three and a half."""
    return any(re.search(r",\d{1,2}\D?$", text) or re.search(r"\.\d{3},", text) for text in values)


def moment(text: str, *, order: str = DAY_FIRST) -> datetime:
    """A day or a moment, in UTC; a day is its midnight. Raises Unclear.

    `order` decides what 03/04/2026 means; what can be read in one order only is read in that one.
    """
    text = text.strip()
    for first in (order, MONTH_FIRST if order == DAY_FIRST else DAY_FIRST):
        try:
            found = _in_numbers(text, first) or _in_words(text) or _serial(text)
        except (ValueError, OverflowError):
            continue
        if found and found.year in YEARS:
            return found
    raise Unclear(f"{text[:40]!r} is no date; write it like 2026-03-31.")


def order_of(values: Sequence[str]) -> tuple[str, bool]:
    """How a column writes its dates, from all of them together, and whether it could be the other way as well.

    Dots mean that the day comes first, and so does a first number above 12; a second one above 12 that the month does.
    Where nothing tells, slashes are read as in the United States.
    """
    day = month = dotted = slashed = False
    for text in values:
        found = NUMBERS.fullmatch(text.strip())
        if not found or len(found[1]) == 4:
            continue
        dotted, slashed = dotted or "." in text, slashed or "." not in text
        day, month = day or int(found[1]) > 12, month or int(found[2]) > 12
    if day or month:
        return (DAY_FIRST if day else MONTH_FIRST), day and month
    return (DAY_FIRST, False) if dotted or not slashed else (MONTH_FIRST, True)


def is_date(text: str) -> bool:
    """Whether it can be read as a date."""
    try:
        moment(text)
    except Unclear:
        return False
    return True


def _in_numbers(text: str, order: str) -> datetime | None:
    found = NUMBERS.fullmatch(text)
    if not found:
        return None
    first, second, third = (int(part) for part in found.groups()[:3])
    if len(found[1]) == 4:
        year, month, day = first, second, third
    else:
        year = third if len(found[3]) > 2 else 2000 + third
        day, month = (first, second) if order == DAY_FIRST or "." in text[:6] else (second, first)
    if found[4] and len(found[1]) == 4 and re.search(r"(Z|[+-]\d\d:?\d\d)$", text):
        return datetime.fromisoformat(text.replace("Z", "+00:00")).astimezone(UTC)
    hour, minute, second_ = (int(part or 0) for part in found.groups()[3:])
    if hour < 12 and text.lower().endswith("pm"):
        hour += 12
    return datetime(year, month, day, hour, minute, second_, tzinfo=UTC)


def _in_words(text: str) -> datetime | None:
    found = WORDED.fullmatch(text)
    month = found and MONTH_OF.get(found[2].lower())
    if not found or not month or not (found[1] or found[3]):
        return None
    year = int(found[4]) if len(found[4]) == 4 else 2000 + int(found[4])
    return datetime(year, month, int(found[1] or found[3]), tzinfo=UTC)


def _serial(text: str) -> datetime | None:
    """Excel's days, when a cell was not formatted as a date."""
    if not re.fullmatch(r"\d{5}(\.\d+)?", text) or int(float(text)) not in SERIALS:
        return None
    return EPOCH + timedelta(days=int(float(text)))


def day(text: str, *, order: str = DAY_FIRST) -> date:
    """As `moment`, the day alone. Raises Unclear."""
    return moment(text, order=order).date()
