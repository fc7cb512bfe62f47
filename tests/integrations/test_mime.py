"""Mail as bytes, held against the standard library's parser."""

import email
import json
import re
from datetime import UTC, datetime, timedelta, timezone
from email import policy
from email.header import decode_header, make_header
from email.utils import parseaddr, parsedate_to_datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from integrations import mime
from integrations.ports import OutgoingMail
from tests import corpora

ONCE = ["Date", "From", "To", "Subject", "Message-ID", "MIME-Version", "Content-Type"]
ENCODED_WORD = re.compile(rb"=\?[^?\s]+\?[bq]\?[^?\s]*\?=")
plain = st.text(alphabet=st.characters(exclude_characters="\r\n\x00", exclude_categories=["Cs"]), max_size=300)
anything = st.text(alphabet=st.characters(exclude_categories=["Cs"]), max_size=600)


def outgoing(**more):
    fields = {
        "message_id": "<abc.1@us.example>",
        "from_name": "Ada Lovelace",
        "from_address": "ada@us.example",
        "to_name": "Bob",
        "to_address": "bob@them.example",
        "subject": "Hello",
        "text": "Hello Bob,\n\nAda\n",
        "date": datetime(2026, 3, 4, 12, 0, tzinfo=UTC),
    }
    return OutgoingMail(**{**fields, **more})


def parsed(raw):
    return email.message_from_bytes(raw, policy=policy.default)


def body_of(part):
    return part.get_payload(decode=True).decode(part.get_content_charset())


def lines_of(text):
    whole = re.sub(r"\r\n?", "\n", text)
    return (whole if whole.endswith("\n") else whole + "\n").replace("\n", "\r\n")


def assert_well_formed(raw):
    assert b"\0" not in raw
    assert not re.search(rb"(?<!\r)\n|\r(?!\n)", raw)
    assert max(map(len, raw.split(b"\r\n"))) <= 998
    assert raw.isascii()
    assert all(len(word) <= 75 for word in ENCODED_WORD.findall(raw))
    names = email.message_from_bytes(raw).keys()
    assert [names.count(name) for name in ONCE] == [1] * len(ONCE)


@given(subject=plain, from_name=plain, to_name=plain, text=anything, html=anything)
def test_gives_back_what_went_in(subject, from_name, to_name, text, html):
    raw = mime.build(outgoing(subject=subject, from_name=from_name, to_name=to_name, text=text, html=html))
    assert_well_formed(raw)
    mail = parsed(raw)
    assert sorted(mail.keys()) == sorted({*ONCE, *([] if html else ["Content-Transfer-Encoding"])})
    texts = list(mail.iter_parts()) if html else [mail]
    assert body_of(texts[0]) == lines_of(text)
    assert texts[0].get_content_type() == "text/plain"
    if html:
        assert body_of(texts[1]) == lines_of(html)
        assert texts[1].get_content_type() == "text/html"
    for header, address in (("From", "ada@us.example"), ("To", "bob@them.example")):
        assert [str(each.addr_spec) for each in mail[header].addresses] == [address]


@given(
    subject=st.text(alphabet=st.characters(min_codepoint=32, exclude_categories=["Cs", "Cc", "Zl", "Zp"]), max_size=200)
)
def test_keeps_the_subject_to_the_letter(subject):
    mail = parsed(mime.build(outgoing(subject=subject)))
    assert str(mail["Subject"]).strip() == subject.strip()


@pytest.mark.parametrize(
    "name", ["Ada", 'A "q" \\ B', "Doe, Jane", "Jürgen Müller", "李" * 60, "x" * 200, "=?utf-8?q?a?=", ""]
)
def test_keeps_a_name_to_the_letter(name):
    mail = email.message_from_bytes(mime.build(outgoing(from_name=name)))
    found, address = parseaddr(mail["From"])
    assert str(make_header(decode_header(found))) == name
    assert address == "ada@us.example"


HEADERS = [
    "message_id",
    "from_name",
    "from_address",
    "to_name",
    "to_address",
    "subject",
    "in_reply_to",
    "unsubscribe_url",
]


@pytest.mark.parametrize("field", HEADERS)
@pytest.mark.parametrize("payload", ["\r\nBcc: c@x.example", "\nBcc: c@x.example", "\rBcc: c", "\0", "\r\n\r\n<p>"])
def test_refuses_a_line_break_in_a_header_and_names_the_field(field, payload):
    valid = {"in_reply_to": "<a@b.example>", "unsubscribe_url": "https://us.example/u"}
    value = valid.get(field) or getattr(outgoing(), field)
    with pytest.raises(ValueError, match=field):
        mime.build(outgoing(**{field: value + payload}))
    with pytest.raises(ValueError, match="references"):
        mime.build(outgoing(references=("<a@b.example>" + payload,)))


@pytest.mark.parametrize(
    "address", ["", "nobody", "a@b.example, c@d.example", "a b@c.example", "<a@b.example>", "a@b@c.example"]
)
def test_refuses_what_is_no_single_address(address):
    with pytest.raises(ValueError, match="to_address"):
        mime.build(outgoing(to_address=address))


def test_survives_the_naughty_strings():
    """All of the corpus: refused with the field's name, or carried to the letter with no header gained."""
    for string in json.loads((corpora.folder("blns") / "blns.json").read_text()):
        raw = mime.build(outgoing(text=string, html=string))
        assert_well_formed(raw)
        for field in ("subject", "from_name", "to_name"):
            if re.search(r"[\r\n\0]", string):
                with pytest.raises(ValueError, match=field):
                    mime.build(outgoing(**{field: string}))
                continue
            raw = mime.build(outgoing(**{field: string}))
            assert_well_formed(raw)
            assert len(email.message_from_bytes(raw).keys()) == len(ONCE) + 1


def test_offers_one_click_unsubscription_unfolded():
    url = "https://us.example/u/" + "t" * 400
    raw = mime.build(outgoing(unsubscribe_url=url))
    assert f"\r\nList-Unsubscribe: <{url}>\r\n".encode() in raw
    assert b"\r\nList-Unsubscribe-Post: List-Unsubscribe=One-Click\r\n" in raw
    assert b"List-Unsubscribe" not in mime.build(outgoing())


def test_threads_and_leaves_out_ids_that_are_none():
    ids = tuple(f"<{n}@us.example>" for n in range(30))
    mail = parsed(mime.build(outgoing(in_reply_to=ids[-1], references=(*ids[:5], "rubbish", *ids[5:]))))
    assert mail["In-Reply-To"] == ids[-1]
    references = str(mail["References"]).split()
    assert references[0] == ids[0]
    assert references[-1] == ids[-1]
    assert len(references) == 20


def test_leaves_dots_and_from_lines_for_the_transport():
    text = ".\n..\nFrom me\n" + "long " * 400 + "\n"
    mail = parsed(mime.build(outgoing(text=text)))
    assert body_of(mail) == lines_of(text)


def test_carries_an_international_domain_in_ascii_and_local_part_as_it_is():
    raw = mime.build(outgoing(to_address="bob@bücher.example"))
    assert b"To: Bob <bob@xn--bcher-kva.example>" in raw
    assert "用户@them.example".encode() in mime.build(outgoing(to_address="用户@them.example"))


@pytest.mark.parametrize("hours", [0, 1, -5])
def test_says_the_same_instant_in_each_zone(hours):
    at = datetime(2026, 3, 4, 12, 0, tzinfo=UTC)
    raw = mime.build(outgoing(date=at.astimezone(timezone(timedelta(hours=hours)))))
    said = email.message_from_bytes(raw)["Date"]
    assert parsedate_to_datetime(said) == at
    assert said.endswith(f"{12 + hours:02}:00:00 {hours * 100:+05}")


def test_is_the_same_every_time_and_dated_with_a_zone():
    mail = outgoing(html="<p>x</p>", date=datetime(2026, 3, 4, 13, 0, tzinfo=timezone(timedelta(hours=1))))
    assert mime.build(mail) == mime.build(mail)
    assert b"Date: Wed, 04 Mar 2026 13:00:00 +0100" in mime.build(mail)
    with pytest.raises(ValueError, match="date"):
        mime.build(outgoing(date=datetime(2026, 3, 4)))
