"""What recipients and their servers read and write: pure functions between bytes."""

import html
import re
from dataclasses import dataclass
from datetime import datetime, timedelta
from email import policy
from email.message import EmailMessage
from email.parser import BytesHeaderParser, BytesParser
from email.utils import format_datetime, parseaddr

from outreach.demo import words
from outreach.demo.behaviour import Habit

LINK = re.compile(r"""https?://[^\s<>"')\]]+""")
DAYS_AWAY = 6
REPORT = """\
From: Mail Delivery System <mailer-daemon@{host}>
To: {sender}
Subject: Undelivered Mail Returned to Sender
Date: {date}
Message-ID: {message_id}
Auto-Submitted: auto-replied
MIME-Version: 1.0
Content-Type: multipart/report; report-type=delivery-status; boundary="=_report"

This is a MIME-encapsulated message.

--=_report
Content-Type: text/plain; charset=us-ascii
Content-Description: Notification

This is the mail system at host mx.{host}.

I'm sorry to have to inform you that your message could not be delivered to one or more recipients.

<{recipient}>: host mx.{host} said: 550 5.1.1 User unknown (in reply to end of DATA command)

--=_report
Content-Type: message/delivery-status
Content-Description: Delivery report

Reporting-MTA: dns; mx.{host}
Arrival-Date: {date}

Final-Recipient: rfc822; {recipient}
Original-Recipient: rfc822;{recipient}
Action: failed
Status: 5.1.1
Remote-MTA: dns; mx.{host}
Diagnostic-Code: smtp; 550 5.1.1 User unknown

--=_report
Content-Type: text/rfc822-headers
Content-Description: Undelivered message headers

{headers}

--=_report--
"""


@dataclass(frozen=True)
class Letter:
    """A mail as the recipient's program shows it."""

    message_id: str
    subject: str
    sender: str
    sender_name: str
    recipient: str
    recipient_name: str
    references: str
    unsubscribe_url: str
    text: str
    links: tuple[str, ...]
    headers: str


def message_id_of(raw: bytes) -> str:
    """The Message-ID as the receiving log spells it."""
    return str(BytesHeaderParser(policy=policy.compat32).parsebytes(raw).get("Message-ID", "")).strip()


def read(raw: bytes) -> Letter:
    """The mail in the words a person would see; `links` are all of text and HTML, once each, in order."""
    mail = BytesParser(policy=policy.default).parsebytes(raw)
    parts = {part.get_content_type(): part.get_content() for part in mail.walk() if not part.is_multipart()}
    sender_name, sender = parseaddr(str(mail["From"]))
    recipient_name, recipient = parseaddr(str(mail["To"]))
    seen = LINK.findall(parts.get("text/plain", "")) + LINK.findall(html.unescape(parts.get("text/html", "")))
    return Letter(
        message_id=str(mail["Message-ID"]).strip(),
        subject=str(mail["Subject"]),
        sender=sender,
        sender_name=sender_name,
        recipient=recipient,
        recipient_name=recipient_name,
        references=" ".join(str(mail["References"] or "").split()),
        unsubscribe_url=str(mail["List-Unsubscribe"] or "").strip("<> "),
        text=parts.get("text/plain", ""),
        links=tuple(dict.fromkeys(seen)),
        headers=raw.replace(b"\r\n", b"\n").partition(b"\n\n")[0].decode("utf-8", "replace"),
    )


def answer(letter: Letter, *, habit: Habit, language: str, now: datetime) -> bytes:
    """A person's own answer, above the quoted mail."""
    mail = _back(letter, subject=f"Re: {letter.subject}", now=now, mark="reply")
    mail["User-Agent"] = "Mozilla Thunderbird"
    said = words.answer(habit, language)
    quote = "\n".join(f"> {line}".rstrip() for line in letter.text.splitlines())
    head = f"On {now:%d/%m/%Y %H:%M}, {letter.sender_name} wrote:"
    mail.set_content(f"{said}\n\n{letter.recipient_name}\n\n{head}\n{quote}\n")
    return mail.as_bytes()


def out_of_office(letter: Letter, *, language: str, now: datetime) -> bytes:
    """An automatic answer with a return date (RFC 3834)."""
    subject, text = words.absence(language, back=(now + timedelta(days=DAYS_AWAY)).date())
    mail = _back(letter, subject=f"{subject}: {letter.subject}", now=now, mark="absence")
    mail["Auto-Submitted"] = "auto-replied"
    mail["Precedence"] = "bulk"
    mail["X-Auto-Response-Suppress"] = "All"
    mail.set_content(f"{text}\n\n{letter.recipient_name}\n")
    return mail.as_bytes()


def delivery_report(letter: Letter, *, now: datetime) -> bytes:
    """What the recipient's server says minutes after it took the mail (RFC 3464): the address does not exist."""
    host = letter.recipient.partition("@")[2]
    report = REPORT.format(
        host=host,
        recipient=letter.recipient,
        sender=letter.sender,
        date=format_datetime(now),
        message_id=_own_id(letter, "report"),
        headers=letter.headers,
    )
    return report.replace("\n", "\r\n").encode()


def _back(letter: Letter, *, subject: str, now: datetime, mark: str) -> EmailMessage:
    mail = EmailMessage(policy=policy.SMTP)
    mail["From"] = f"{_phrase(letter.recipient_name)}<{letter.recipient}>"
    mail["To"] = f"{_phrase(letter.sender_name)}<{letter.sender}>"
    mail["Subject"] = subject
    mail["Date"] = format_datetime(now)
    mail["Message-ID"] = _own_id(letter, mark)
    mail["In-Reply-To"] = letter.message_id
    mail["References"] = f"{letter.references} {letter.message_id}".strip()
    return mail


def _phrase(name: str) -> str:
    escaped = name.replace("\\", "\\\\").replace('"', '\\"')
    return f'"{escaped}" ' if name else ""


def _own_id(letter: Letter, mark: str) -> str:
    ours = letter.message_id.strip("<>").partition("@")[0]
    return f"<{mark}.{ours}@{letter.recipient.partition('@')[2]}>"
