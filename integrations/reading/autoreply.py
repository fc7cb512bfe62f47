"""Automatic answers (RFC 3834): that it is one, and when the person is back."""

import re
from datetime import date, timedelta

from integrations.reading.parts import Parts, kind
from integrations.reading.vocabulary import AUTO_SUBJECT, AWAY, MACHINE_WRITTEN, any_of

ANSWERING = (
    "x-autoreply",
    "x-autorespond",
    "x-auto-reply",
    "x-autoresponder",
    "x-yandex-autoreply",
    "x-mail-autoreply",
)
PRECEDENCE = frozenset({"auto_reply", "auto-reply", "bulk", "junk", "list"})
HUMAN_LENGTH = 1_500
ANSWER = re.compile(r"\s*(?:re|aw|sv|vs|antw|odp|res|rif|回复|答复)\s?:", re.IGNORECASE)

MONTHS = {
    name: number
    for number, names in enumerate(
        (
            "january jan januar jänner janvier enero janeiro gennaio januari stycznia января січня ocak",
            "february feb februar février fév febrero fevereiro febbraio februari lutego февраля лютого şubat",
            "march mar märz mars marzo março maart marca марта березня mart",
            "april apr avril abril aprile kwietnia апреля квітня nisan",
            "may mai mayo maio maggio mei maj maja мая травня mayıs",
            "june jun juni juin junio junho giugno czerwca июня червня haziran",
            "july jul juli juillet julio julho luglio lipca июля липня temmuz",
            "august aug août agosto augustus augusti sierpnia августа серпня ağustos ago",
            "september sep sept septembre septiembre setembro settembre września сентября вересня eylül set",
            "october oct oktober okt octobre octubre outubro ottobre października октября жовтня ekim out",
            "november nov novembre noviembre novembro listopada ноября листопада kasım",
            "december dec dezember dez décembre diciembre dezembro dicembre grudnia декабря грудня aralık dic",
        ),
        start=1,
    )
    for name in names.split()
}
MONTH = "|".join(sorted(map(re.escape, MONTHS), key=len, reverse=True))
DATE = re.compile(
    r"(?P<y1>20\d\d)[-/.](?P<m1>\d\d?)[-/.](?P<d1>\d\d?)"
    r"|(?:(?P<y2>20\d\d)年)?\s?(?P<m2>\d\d?)\s?[月월]\s?(?P<d2>\d\d?)\s?[日일]"
    r"|(?P<d3>\d\d?)[./](?P<m3>\d\d?)(?:[./](?P<y3>(?:20)?\d\d))?(?![\d%])"
    rf"|(?P<d4>\d\d?)(?:st|nd|rd|th|\.|er|º)?\s(?:de\s|of\s)?(?P<m4>{MONTH})\b\.?(?:,?\s(?:de\s)?(?P<y4>20\d\d))?"
    rf"|\b(?P<m5>{MONTH})\.?\s(?P<d5>\d\d?)(?:st|nd|rd|th)?\b(?:,?\s(?P<y5>20\d\d))?",
    re.IGNORECASE,
)
BACK = any_of(
    *("back", "return", "again", "from", "wieder", "zurück", r"\bab\b", "retour", "de nouveau", "vuelv"),
    *("regres", "volta", "retorn", "torn", "rientr"),
    *("terug", "weer", "tillbaka", "åter", "wrac", "od dnia", "wznaw", "выйду", "верн", "с ", "поверн", "恢复"),
    *("回来", "以降", "より", "부터", "복귀", "döne", "ofiste olac"),
)
INCLUSIVE = any_of(
    *("through", "inclu", "einschließlich", "compris", "inclusive", "compreso", "t/m", "tot en met"),
    *("till och med", "t\\.o\\.m", "włącznie", "включительно", "включно", "まで", "까지"),
)


def is_automatic(mail: Parts) -> bool:
    """True for answers no person wrote just now: out-of-office, acknowledgements, read receipts, calendar answers."""
    submitted = mail.header("Auto-Submitted").lower()
    if submitted and not submitted.startswith("no"):
        return True
    if any(name in mail.message for name in ANSWERING) or "X-Freshdesk-Ticket" in mail.message:
        return True
    if any(kind(part) in ("message/disposition-notification", "text/calendar") for part in mail.own_leaves[:20]):
        return True
    subject, text = mail.header("Subject"), mail.text[:HUMAN_LENGTH]
    if MACHINE_WRITTEN.search(text) or (AUTO_SUBJECT.search(subject) and not ANSWER.match(subject)):
        return True
    bulk = mail.header("Precedence").lower() in PRECEDENCE or mail.header("Return-Path") == "<>"
    suppressed = "X-Auto-Response-Suppress" in mail.message
    return (bulk or suppressed) and bool(AWAY.search(subject + "\n" + text))


def return_date(*, subject: str, text: str, sent_on: date | None) -> date | None:
    """The first day back, where a day is named: of several the one after a word of returning, else the last.

    "Through Friday 15 August" is the 16th. A day without a year is the next one after `sent_on`.
    """
    if sent_on is None:
        return None
    words = f"{text[:2_000]}\n{subject[:300]}"
    named: list[tuple[bool, date]] = []
    for found in DATE.finditer(words):
        day = _day(found, sent_on)
        if day is None or not sent_on - timedelta(days=1) <= day <= sent_on + timedelta(days=400):
            continue
        before = re.split(r"[.!?\n](?:\s|$)", words[max(0, found.start() - 60) : found.start()])[-1]
        around = before + words[found.end() : found.end() + 14]
        back = bool(BACK.search(before) or BACK.search(words[found.end() : found.end() + 40].split("\n")[0]))
        inclusive = bool(INCLUSIVE.search(around))
        named.append((back and not inclusive, day + timedelta(days=1) if inclusive else day))
    returning = [day for back, day in named if back]
    return max(returning or [day for _, day in named], default=None)


def _day(found: re.Match[str], sent_on: date) -> date | None:
    groups = {name[0]: value for name, value in found.groupdict().items() if value}
    month = MONTHS.get(groups["m"].lower()) or (int(groups["m"]) if groups["m"].isdigit() else 0)
    year = int(groups["y"]) % 100 + 2000 if "y" in groups else sent_on.year
    try:
        day = date(year, month, int(groups["d"]))
        return day if "y" in groups or day >= sent_on else day.replace(year=year + 1)
    except ValueError:
        return None
