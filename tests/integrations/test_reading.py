"""What incoming mail is, measured on mail that none of the code's authors wrote."""

import json
from collections import Counter
from datetime import UTC, date, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from integrations import reading
from integrations.ports import BounceKind, MailKind, ReplyClass
from tests import corpora

ANSWER = """From: Bob <bob@THEM.example>
To: ada@us.example
Subject: Re: =?utf-8?q?Gr=C3=BC=C3=9Fe?=
Date: Wed, 04 Mar 2026 13:00:00 +0100
Message-ID: <reply@them.example>
In-Reply-To: <2@us.example>
References: <1@us.example> <2@us.example>

{text}
"""
REPORT = """From: MAILER-DAEMON@mx.example
To: ada@us.example
Subject: Undelivered Mail Returned to Sender
Auto-Submitted: auto-replied
Content-Type: multipart/report; report-type=delivery-status; boundary=b

--b
Content-Type: text/plain

I'm sorry.
--b
Content-Type: message/delivery-status

Reporting-MTA: dns; mx.example

Final-Recipient: rfc822; bob@Them.example
Action: {action}
Status: {status}
Diagnostic-Code: smtp; {text}

--b
Content-Type: text/rfc822-headers

Message-ID: <1@us.example>
Subject: Hello

--b--
"""


def read(text, **fields):
    return reading.read(ANSWER.format(text=text).encode())


def report(action, status, text):
    return reading.read(REPORT.format(action=action, status=status, text=text).encode())


def test_reads_a_persons_answer():
    mail = read(
        "Sounds good, send me the details.\n\nOn Wed, 4 Mar 2026 at 12:00, Ada <ada@us.example> wrote:\n> Hello Bob"
    )
    assert (mail.kind, mail.reply_class) == (MailKind.REPLY, ReplyClass.POSITIVE)
    assert mail.sender == "bob@them.example"
    assert mail.subject == "Re: Grüße"
    assert mail.sent_at == datetime(2026, 3, 4, 12, 0, tzinfo=UTC)
    assert mail.candidates == ("<2@us.example>", "<1@us.example>")
    assert mail.own_words == "Sounds good, send me the details."


@pytest.mark.parametrize(
    "text",
    ["Stop", "unsubscribe", "Please take me off your list.", "Bitte keine weiteren Mails.", "Désabonnez-moi.", "退订"],
)
def test_hears_who_wants_out(text):
    mail = read(text + "\n\n> To stop these mails, reply unsubscribe")
    assert (mail.kind, mail.reply_class) == (MailKind.UNSUBSCRIBE, ReplyClass.UNSUBSCRIBE)


def test_does_not_take_our_own_quoted_words_for_the_persons():
    assert read("Could you tell me more?\n\n> If you want no more mail, reply unsubscribe").kind is MailKind.REPLY


def test_keeps_an_answer_written_below_or_between_the_quote():
    mail = read("On 4 Mar 2026 12:00, Ada wrote:\n> Do you ship?\nYes, we ship.\n> And returns?\nFree of charge.")
    assert mail.own_words == "Yes, we ship.\nFree of charge."


@pytest.mark.parametrize(
    ("action", "status", "text", "kind"),
    [
        ("failed", "5.1.1", "550 5.1.1 <bob@them.example>: no such user", BounceKind.HARD),
        ("failed", "5.1.10", "556 5.1.10 null MX", BounceKind.HARD),
        ("failed", "5.0.0", "550 <bob@them.example>: user unknown", BounceKind.HARD),
        ("failed", "5.2.2", "552 5.2.2 mailbox full", BounceKind.SOFT),
        ("failed", "5.1.1", "550 5.1.1 mailbox full", BounceKind.SOFT),
        ("failed", "5.7.1", "550 5.7.1 blocked by policy", BounceKind.SOFT),
        ("failed", "5.4.1", "550 5.4.1 [bob@them.example]: Recipient address rejected: Access denied", BounceKind.HARD),
        ("failed", "4.4.1", "451 connection timed out", BounceKind.SOFT),
        ("delayed", "4.4.1", "451 connection timed out", BounceKind.DELAYED),
        ("delivered", "2.1.5", "250 ok", BounceKind.DELIVERED),
        ("relayed", "2.1.5", "250 ok", BounceKind.DELIVERED),
    ],
)
def test_reads_a_delivery_report_before_an_automatic_answer(action, status, text, kind):
    mail = report(action, status, text)
    assert (mail.kind, mail.bounce) == (MailKind.BOUNCE, kind)
    assert mail.recipients == ("bob@them.example",)
    assert mail.candidates == ("<1@us.example>",)
    assert mail.status == status


@pytest.mark.parametrize(
    ("feedback", "kind"),
    [("abuse", MailKind.COMPLAINT), ("opt-out", MailKind.COMPLAINT), ("auth-failure", MailKind.AUTO_REPLY)],
)
def test_takes_only_abuse_and_opt_out_for_a_complaint(feedback, kind):
    raw = (
        "From: fbl@isp.example\nContent-Type: multipart/report; report-type=feedback-report; boundary=b\n\n"
        f"--b\nContent-Type: text/plain\n\nA report.\n--b\n"
        f"Content-Type: message/feedback-report\n\nFeedback-Type: {feedback}\n"
        "Version: 1\nOriginal-Rcpt-To: <bob@them.example>\n\n--b\n"
        "Content-Type: message/rfc822\n\nMessage-ID: <1@us.example>\nSubject: Hello\n\nHello\n--b--\n"
    )
    mail = reading.read(raw.encode())
    assert mail.kind is kind
    assert mail.recipients == ("bob@them.example",)
    assert mail.candidates == ("<1@us.example>",)


@pytest.mark.parametrize(
    ("text", "back"),
    [
        ("I am out of the office and back on 12 March.", date(2026, 3, 12)),
        ("On leave through Friday 13 March.", date(2026, 3, 14)),
        ("Ich bin bis einschließlich 12.03.2026 nicht im Büro.", date(2026, 3, 13)),
        ("Back January 5", date(2027, 1, 5)),
        ("不在にしております。3月12日以降にご連絡します。", date(2026, 3, 12)),
        ("Away until further notice.", None),
    ],
)
def test_finds_the_day_of_return(text, back):
    mail = reading.read(ANSWER.format(text=text).replace("To:", "Auto-Submitted: auto-replied\nTo:", 1).encode())
    assert (mail.kind, mail.return_date) == (MailKind.AUTO_REPLY, back)


def test_finds_the_delivery_reports_of_the_oracle_and_never_calls_one_hard_that_is_not():
    """Reached: 283 of 286 found, 279 with recipients, hard or not agreed on 255, 0 falsely hard."""
    folder = corpora.folder("sisimai-oracle")
    seen = Counter()
    for case in json.loads((folder / "expected_p5.json").read_text()):
        mail = reading.read((folder / "emails" / case["file"]).read_bytes())
        if case["expected"][0]["reason"] in ("feedback", "vacation"):
            assert mail.kind is not MailKind.BOUNCE, case["file"]
            continue
        hard = any(each["hardbounce"] for each in case["expected"])
        assert hard or mail.bounce is not BounceKind.HARD, case["file"]
        seen["found"] += mail.kind is MailKind.BOUNCE
        seen["recipients"] += bool(mail.recipients)
        seen["agreed"] += mail.kind is MailKind.BOUNCE and hard == (mail.bounce is BounceKind.HARD)
    assert seen["found"] >= 283
    assert seen["recipients"] >= 279
    assert seen["agreed"] >= 255


def test_finds_the_delivery_reports_that_mailman_knows():
    """Reached: 107 of 116 found, 105 with a right recipient, 0 temporary ones called hard."""
    folder = corpora.folder("flufl-bounce")
    seen = Counter()
    for case in json.loads((folder / "expected.json").read_text()):
        mail = reading.read((folder / "messages" / case["file"]).read_bytes())
        assert not (case["temporary"] and mail.bounce is BounceKind.HARD), case["file"]
        seen["found"] += mail.kind is MailKind.BOUNCE
        seen["named"] += bool({each.lower() for each in case["addresses"]} & {each.lower() for each in mail.recipients})
    assert seen["found"] >= 107
    assert seen["named"] >= 105


def test_takes_no_automatic_answer_for_a_persons():
    """Reached: 7 of 7."""
    for path in sorted(corpora.folder("autoreply").glob("*.eml")):
        assert reading.read(path.read_bytes()).kind is MailKind.AUTO_REPLY, path.name


CLASSES = {
    "interested": "positive",
    "question": "question",
    "not_interested": "negative",
    "unsubscribe_request": "unsubscribe",
}


def test_tells_answers_in_fifteen_languages_apart():
    """Reached: 42 of 45 automatic, 100 of 101 human, own words whole in 100, class 65 of 75, return 22 of 26."""
    folder = corpora.folder("labelled-replies")
    seen = Counter()
    for case in json.loads((folder / "labels.json").read_text()):
        mail = reading.read((folder / case["file"]).read_bytes())
        human = mail.kind in (MailKind.REPLY, MailKind.UNSUBSCRIBE)
        if case["class"] in ("out_of_office", "auto_acknowledgement", "left_company") and case["own_words"] is None:
            seen["automatic"] += not human
        if case["own_words"] is not None:
            seen["human"] += human
            seen["whole"] += "".join(case["own_words"].split()) in "".join(mail.own_words.split())
        if case["class"] in CLASSES:
            seen["class"] += human and mail.reply_class == CLASSES[case["class"]]
        if case["class"] == "out_of_office":
            right = case["return_date_accept"] or [case["return_date"]]
            seen["back"] += (mail.return_date.isoformat() if mail.return_date else None) in right
    floors = {"automatic": 42, "human": 100, "whole": 100, "class": 65, "back": 22}
    assert {name: seen[name] for name in floors if seen[name] < floors[name]} == {}


def test_survives_the_odd_mails_of_the_standard_library():
    for path in sorted(corpora.folder("cpython-email").glob("*.txt")):
        reading.read(path.read_bytes())


BOMBS = {
    "deep": b"".join(b"Content-Type: multipart/mixed; boundary=b%d\n\n--b%d\n" % (n, n) for n in range(500))
    + b"\n\nhi",
    "deep mails": b"Content-Type: message/rfc822\n\n" * 2000,
    "many parts": b"Content-Type: multipart/mixed; boundary=b\n\n" + b"--b\n\nx\n" * 20_000,
    "one line": b"Subject: x\n\n" + b"a" * 100_000,
    "attributions": b"Subject: x\n\n" + b"On 12:12 a@b wrote\n" * 5_000,
    "statuses": b"From: mailer-daemon@x.example\nSubject: undeliverable\n\n" + b"5.1.1." * 20_000,
    "addresses": b"From: mailer-daemon@x.example\nSubject: undeliverable\n\n" + b"a@b." * 30_000 + b"a" * 50_000 + b"@",
    "html": b"Content-Type: text/html\n\n" + b"<table><tr><td>" * 20_000 + b"hi",
    "words": b"Subject: " + b"=?utf-8?b?" * 20_000 + b"\n\nhi",
    "ids": b"References: " + b"<a@b " * 50_000 + b"\n\nhi",
    "comments": b"From: " + b"((" * 20_000 + b"\n\nhi",
    "dates": b"Auto-Submitted: auto-replied\nDate: Mon, 1 Jan 2024 00:00:00 +9999\n\n" + b"until 12.12. " * 10_000,
    "charsets": b'Subject: =?foo?b?zz?=\nContent-Type: text/plain; charset="hex"\n\nabc',
    "parameters": b"Content-Type: text/plain; charset*=utf-7''%ff; x\nContent-Transfer-Encoding: \xff\n\nabc",
    "nothing": b"",
    "nul": b"Subject: a\0b\n\nhi\0there\xff\xfe",
    "25 MB": b"Subject: x\n\n" + b"0123456789abcdef hello\n" * 1_100_000,
}


@pytest.mark.parametrize("name", BOMBS)
def test_reads_any_bomb_in_bounded_time(name):
    started = datetime.now(UTC)
    mail = reading.read(BOMBS[name])
    assert (datetime.now(UTC) - started).total_seconds() < 5
    assert "\0" not in mail.own_words + mail.subject
    assert len(mail.own_words) <= 20_000


@given(st.binary(max_size=2_000))
def test_never_raises_on_any_bytes(raw):
    reading.read(raw)


@given(
    st.lists(
        st.sampled_from(
            [
                *(
                    b"Content-Type: ",
                    b"multipart/report; boundary=b",
                    b"text/html; charset=",
                    b"utf-16",
                    b"\n\n",
                    b"\n",
                ),
                *(
                    b"--b\n",
                    b"--b--",
                    b"From: ",
                    b"Mailer-Daemon",
                    b"Subject: ",
                    b"=?utf-8?q?=",
                    b"?=",
                    b"Status: 5.1.1",
                    b"<a@b.c>",
                ),
                *(
                    b"Content-Transfer-Encoding: base64",
                    b"message/delivery-status",
                    b"message/rfc822",
                    b"Date: ",
                    b"\xff\x00",
                    b"\r",
                ),
            ]
        ),
        max_size=60,
    )
)
def test_never_raises_on_scrambled_mail(pieces):
    reading.read(b"".join(pieces))


@pytest.mark.parametrize("words", ["La ringrazio, ma non sono interessato.", "Non siamo più interessati, grazie."])
def test_hears_an_italian_no(words):
    assert read(words).reply_class == ReplyClass.NEGATIVE
