"""Delivery reports: RFC 3464 where a server speaks it, words and flufl.bounce where it does not."""

import re
from dataclasses import dataclass
from email.message import Message

from flufl.bounce import scan_message

from integrations.ports import BounceKind
from integrations.reading.parts import MALFORMED, Parts, address_of, content, decoded, kind
from integrations.reading.vocabulary import (
    AT_RCPT,
    BOUNCE_SUBJECT,
    DAEMON,
    DELAY,
    DOUBTFUL,
    NO_SUCH_ADDRESS,
    NOT_AT_RCPT,
    OTHER_CAUSE,
    PLAIN_REJECTION,
    ROBOT,
)

DIAGNOSTIC_CHARACTERS = 500
STATUS = re.compile(r"(?<![\d.])([245])\.(\d{1,3})\.(\d{1,3})(?![\d.]*\d)")
REPLY_CODE = re.compile(r"(?<![\d.])([45]\d\d)(?=[ \-]\D|[ \-][45]\.\d)")
FIELD = re.compile(
    r"^(Final-Recipient|Original-Recipient|Action|Status|Diagnostic-Code)\s*:\s*(.+(?:\n[ \t].+)*)", re.I | re.M
)
CONTEXT_CHARACTERS = 3_000
ADDRESS = re.compile(r"[\w.+=/'~!#$%&*-]{1,64}@[\w-]{1,63}(?:\.[\w-]{1,63}){1,8}")
STATUS_TYPES = frozenset({"message/delivery-status", "message/global-delivery-status"})
RECIPIENT_STATUS = frozenset({"1.1", "1.2", "1.6", "1.10"})
VAGUE_STATUS = frozenset({"", "1.351", "0.0", "1.0", "2.1", "3.0", "4.1", "4.4", "5.0"})
ELSEWHERE_STATUS = frozenset({"3.0"})  # "other mail system": only a reply to RCPT is about the address


@dataclass(frozen=True)
class Report:
    """What a delivery report says, the worst recipient first in mind."""

    kind: BounceKind
    status: str
    diagnostic: str
    recipients: tuple[str, ...]


def read_report(mail: Parts) -> Report | None:
    """The report, or None when the mail is none. HARD only where a server said for good that there is no such
    address: in doubt it is SOFT, for a suppression can't be taken back by the person concerned.
    """
    return _standard(mail) or _by_words(mail)


def _standard(mail: Parts) -> Report | None:
    """RFC 3464: per-recipient fields in a message/delivery-status part."""
    text = "\n\n".join(_fields(part) for part in mail.own_leaves if kind(part) in STATUS_TYPES)
    context = _context(mail) + text[:CONTEXT_CHARACTERS]
    recipients = [_recipient(block, context) for block in _blocks(text)]
    if not recipients:
        return None
    rank = (BounceKind.HARD, BounceKind.SOFT, BounceKind.DELAYED, BounceKind.DELIVERED)
    worst = min((each.kind for each in recipients), key=rank.index)
    told = [each for each in recipients if each.kind is worst]
    addresses = tuple(dict.fromkeys(address for each in told for address in each.recipients))[:50]
    return Report(worst, told[0].status, told[0].diagnostic, addresses)


def _fields(part: Message) -> str:
    """A delivery-status part as text; the parser gives it as a list of header blocks."""
    inside = part.get_payload()
    if not isinstance(inside, list):
        return content(part)
    blocks = [each for each in inside[:100] if isinstance(each, Message)]
    return "\n\n".join("\n".join(f"{name}: {value}" for name, value in each.items()) for each in blocks)


def _blocks(text: str) -> list[dict[str, str]]:
    """The fields of each recipient; a block without Action and Status tells nothing."""
    found = []
    for block in re.split(r"\n[ \t]*\n", text.replace("\r", "")[:200_000]):
        fields = {name.lower(): " ".join(value.split()) for name, value in FIELD.findall(block)}
        if "action" in fields or ("status" in fields and "final-recipient" in fields):
            found.append(fields)
    return found[:100]


def _recipient(fields: dict[str, str], context: str) -> Report:
    action = fields.get("action", "failed").split("(")[0].split(";")[0].strip().lower()
    diagnostic = decoded(fields.get("diagnostic-code", ""))[:DIAGNOSTIC_CHARACTERS]
    status = _status(fields.get("status", ""), diagnostic)
    addresses = (
        address_of(fields.get(name, "").rpartition(";")[2]) for name in ("original-recipient", "final-recipient")
    )
    kinds = {"delayed": BounceKind.DELAYED, "delivered": BounceKind.DELIVERED}
    kinds |= {"relayed": BounceKind.DELIVERED, "expanded": BounceKind.DELIVERED}
    judged = kinds.get(action) or _judge(status=status, text=diagnostic, context=context)
    return Report(judged, status, diagnostic, tuple(dict.fromkeys(each for each in addresses if each)))


def _status(field: str, text: str) -> str:
    """The field's status; a more exact one from the server's own words where the field says nothing."""
    told, quoted = STATUS.search(field), STATUS.search(text)
    if quoted and (told is None or told.group(0).endswith(".0.0")):
        return quoted.group(0)
    return told.group(0) if told else ""


def _context(mail: Parts) -> str:
    """What else the report says, and the fields that name the program that wrote it."""
    programs = (str(mail.message.get(name, ""))[:300] for name in ("Content-Type", "X-Mailer"))
    return "\n".join((*programs, mail.text[:CONTEXT_CHARACTERS], ""))


def _judge(*, status: str, text: str, context: str) -> BounceKind:
    """HARD needs class 5, a status or words about the address, and nothing that points to another cause."""
    code = REPLY_CODE.search(text)
    if status.startswith("4") or not (status or code) or (code and code.group(1).startswith("4")):
        return BounceKind.SOFT
    if DOUBTFUL.search(PLAIN_REJECTION.sub("", text)) or OTHER_CAUSE.search(text + context):
        return BounceKind.SOFT
    detail = status.partition(".")[2]
    if detail in RECIPIENT_STATUS:
        return BounceKind.HARD
    told = detail in VAGUE_STATUS and bool(code and NO_SUCH_ADDRESS.search(text))
    if detail in ELSEWHERE_STATUS or not ADDRESS.search(text):
        told = told and bool(AT_RCPT.search(text + context))
    return BounceKind.HARD if told and not NOT_AT_RCPT.search(text + context) else BounceKind.SOFT


def _by_words(mail: Parts) -> Report | None:
    """Servers that never read RFC 3464: who writes, what the subject says, then the words around the reply code."""
    robot = bool(ROBOT.search(mail.header("From"))) or mail.header("Return-Path") == "<>"
    subject = bool(BOUNCE_SUBJECT.search(mail.header("Subject")))
    failed = mail.header("X-Failed-Recipients")
    if not failed and not DAEMON.search(mail.header("From")) and not (robot and subject):
        return None
    text = mail.text[:20_000]
    addresses = _flufl(mail) or [address_of(each) for each in failed.split(",")] or []
    addresses = [each for each in addresses if each] or _addresses(text, mail)
    telling = _telling_line(text)
    if not addresses and not telling and not ROBOT.search(mail.header("From")):
        return None
    if DELAY.search(mail.header("Subject") + "\n" + text[:3_000]):
        return Report(BounceKind.DELAYED, "", telling, tuple(addresses[:50]))
    status = _status("", telling)
    judged = _judge(status=status, text=telling, context=_context(mail))
    return Report(judged, status, telling, tuple(addresses[:50]))


def _telling_line(text: str) -> str:
    """The line with the server's reply, and the one after it."""
    lines = [line.strip() for line in text.split("\n") if line.strip()][:200]
    for test in (STATUS, REPLY_CODE, NO_SUCH_ADDRESS):
        for index, line in enumerate(lines):
            if test.search(line[:1_000]):
                return " ".join(lines[index : index + 2])[:DIAGNOSTIC_CHARACTERS]
    return ""


def _addresses(text: str, mail: Parts) -> list[str]:
    ours = {*mail.addresses("To"), *mail.addresses("From")}
    found = (address_of(each) for each in ADDRESS.findall(text[:5_000]))
    return [each for each in dict.fromkeys(found) if each and each not in ours and not ROBOT.search(each)][:1]


def _flufl(mail: Parts) -> list[str]:
    try:
        found = scan_message(mail.message)
    except (*MALFORMED, AssertionError):
        return []
    return sorted(address_of(each.decode("ascii", "replace")) for each in found)
