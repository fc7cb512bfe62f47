"""One incoming mail in our own words: the tests in their order, the first that fits decides."""

from dataclasses import replace

from integrations.ports import IncomingMail, MailKind, ReplyClass
from integrations.reading import autoreply, complaints, references, replies, reports
from integrations.reading.parts import Parts, parse, storable
from integrations.reading.reply_text import own_words

SUBJECT_CHARACTERS = 500
LONGEST_ID = 998


def read(raw: bytes) -> IncomingMail:
    """What the mail is and says. Never raises on malformed mail; looks at the first megabyte only.

    Order (RFC 3464, 5965, 3834): delivery report, complaint, automatic answer, request to stop, a person's answer.
    """
    mail = parse(raw)
    base = IncomingMail(
        kind=MailKind.REPLY,
        message_id=storable(str(mail.message.get("Message-ID", ""))).strip()[:LONGEST_ID],
        sender=next(iter(mail.addresses("From")), ""),
        subject=mail.header("Subject")[:SUBJECT_CHARACTERS],
        sent_at=mail.sent_at(),
        candidates=references.candidates(mail),
    )
    return _feedback(mail, base) or _report(mail, base) or _automatic(mail, base) or _answer(mail, base)


def _feedback(mail: Parts, base: IncomingMail) -> IncomingMail | None:
    """A feedback report names itself, so it can be asked first; the ones about authentication stop nobody."""
    feedback = complaints.read_feedback(mail)
    if feedback is None:
        return None
    kind = MailKind.COMPLAINT if feedback.is_complaint else MailKind.AUTO_REPLY
    return replace(base, kind=kind, diagnostic=feedback.feedback_type, recipients=feedback.recipients)


def _report(mail: Parts, base: IncomingMail) -> IncomingMail | None:
    report = reports.read_report(mail)
    if report is None:
        return None
    return replace(
        base,
        kind=MailKind.BOUNCE,
        bounce=report.kind,
        status=report.status,
        diagnostic=report.diagnostic,
        recipients=report.recipients,
    )


def _automatic(mail: Parts, base: IncomingMail) -> IncomingMail | None:
    if not autoreply.is_automatic(mail):
        return None
    sent_on = base.sent_at.date() if base.sent_at else None
    words = own_words(mail)
    back_on = autoreply.return_date(subject=base.subject, text=words, sent_on=sent_on)
    return replace(base, kind=MailKind.AUTO_REPLY, return_date=back_on, own_words=words)


def _answer(mail: Parts, base: IncomingMail) -> IncomingMail:
    words = own_words(mail)
    if replies.asks_to_stop(mail, subject=base.subject, own_words=words):
        return replace(base, kind=MailKind.UNSUBSCRIBE, own_words=words, reply_class=ReplyClass.UNSUBSCRIBE)
    return replace(base, kind=MailKind.REPLY, own_words=words, reply_class=replies.classify(words))
