"""What real servers said, said again over the wire: whom it stops, and whom it must not."""

import json
import re

import pytest

from campaigns import planning
from campaigns.models import Enrollment, Message
from integrations.models import Mailbox
from outreach.demo.smtp_server import Stage
from prospects.models import Suppression
from tests import corpora

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.prove]

DIAGNOSTIC = re.compile(rb"(?im)^Diagnostic-Code:\s*smtp;((?:.|\n[ \t])*)")
REPLY = re.compile(r"\b([45]\d\d)[ -](.{2,400})")
ABOUT_THE_ADDRESS = {"userunknown", "hostunknown", "hasmoved", "filtered", "suspend"}
ABOUT_US = {"authfailure", "badreputation", "requireptr", "norelaying", "securityerror", "speeding", "policyviolation"}
SAYS_UNKNOWN = re.compile("user unknown|unknown user", re.IGNORECASE)


def real_replies():
    """Every reply of the corpus once, with what its authors say it means."""
    folder, found = corpora.folder("sisimai-oracle"), {}
    for case in json.loads((folder / "expected_p5.json").read_text()):
        mail = folder / "emails" / case["file"]
        quoted = DIAGNOSTIC.search(mail.read_bytes()) if mail.exists() and len(case["expected"]) == 1 else None
        said = REPLY.search(" ".join(quoted.group(1).decode("ascii", "replace").split())) if quoted else None
        if said:
            found[" ".join(said.groups())] = case["expected"][0]["reason"]
    return found


def said_to_each(world, replies):
    """Tells each person's mail one of the replies, and returns by reply the row and whether it paused the mailbox."""
    planning.plan(now=world.now)
    by_person = dict(zip([person.email for person in world.prospects], replies, strict=True))
    world.smtp.behaviour = lambda recipient, message, stage: by_person[recipient] if stage is Stage.RCPT else None
    paused = set()
    for _ in replies:
        world.deliver(limit=1)
        if Mailbox.objects.get().resume():
            paused.add(Message.objects.filter(attempts=1).order_by("-marked_at").first().pk)
    assert Message.objects.filter(attempts=1).count() == len(replies)
    ledger = Message.objects.select_related("enrollment")
    return {by_person[message.recipient]: (message, message.pk in paused) for message in ledger}


def test_only_what_is_about_the_address_suppresses_it(running):
    replies = real_replies()
    assert len(replies) >= 40
    told = said_to_each(running(people=len(replies), steps=1), list(replies))
    suppressed = set(Suppression.objects.values_list("value", flat=True))
    wrong = []
    for reply, reason in replies.items():
        message, paused = told[reply]
        temporary = reply.startswith("4")
        about_the_address = reason in ABOUT_THE_ADDRESS or SAYS_UNKNOWN.search(reply)
        if message.recipient in suppressed and (temporary or paused or not about_the_address):
            wrong.append((reply, "suppressed"))
        if reason == "userunknown" and SAYS_UNKNOWN.search(reply) and not temporary and message.state != "refused":
            wrong.append((reply, message.state))
        if reason in ABOUT_US and not temporary and not paused:
            wrong.append((reply, "did not pause the mailbox"))
        if message.state != ("planned" if temporary or paused else "refused"):
            wrong.append((reply, message.state))
        if temporary and paused:
            wrong.append((reply, "paused the mailbox"))
    assert wrong == []
    about_addresses = [reply for reply, reason in replies.items() if reason == "userunknown" and reply[0] == "5"]
    known = [reply for reply in about_addresses if told[reply][0].recipient in suppressed]
    assert len(known) >= 0.95 * len(about_addresses)


@pytest.mark.parametrize(
    ("reply", "stops"),
    [
        # The address.
        ("550 5.1.1 The email account that you tried to reach does not exist", "suppressed"),
        ("550 5.4.1 [x@y.example]: Recipient address rejected: Access denied. AS(201806281)", "suppressed"),
        ("554 delivery error: dd This user doesn't have a their.example account (x@their.example) [0]", "suppressed"),
        ("550 5.7.1 <x@y.example>: Recipient address rejected: User unknown", "suppressed"),
        ("550 Requested action not taken: mailbox unavailable", "suppressed"),
        # Ourselves.
        ("550 5.7.26 This mail has been blocked because the sender is unauthenticated", "paused"),
        ("550 5.7.515 Access denied, sending domain us.example does not meet the required level", "paused"),
        ("550 5.7.1 Service unavailable, client host [192.0.2.1] blocked", "paused"),
        ("550 5.7.25 The IP address sending this message does not have a PTR record", "paused"),
        ("550 Sender domain does not exist", "paused"),
        ("554 5.7.9 Message not accepted for policy reasons", "paused"),
        ("550 5.1.1 has sent to too many recipients this hour", "paused"),
        ("421 4.7.28 Our system has detected an unusual rate of unsolicited mail", "paused"),
        # This mail to this person only.
        ("552 5.2.2 The recipient's inbox is out of storage space", "refused"),
        ("552 5.3.4 Your message exceeded the size limit", "refused"),
        ("554 5.6.0 Reject: this text is not wanted", "refused"),
        ("550 Rejected", "refused"),
        # Nobody yet.
        ("451 4.7.1 Greylisting in action, please come back later", "waits"),
        ("450 4.1.1 Recipient address rejected: User unknown in virtual alias table", "waits"),
        ("452 4.2.2 Mailbox full", "waits"),
        ("421 4.7.0 Try again later, closing connection", "waits"),
    ],
)
def test_stops_the_person_the_mailbox_or_only_the_step(running, reply, stops):
    ((message, paused),) = said_to_each(running(steps=1), [reply]).values()
    reason = Enrollment.objects.get().stop_reason
    assert (message.state, paused, Suppression.objects.count(), reason) == {
        "suppressed": ("refused", False, 1, "bounced"),
        "paused": ("planned", True, 0, ""),
        "refused": ("refused", False, 0, "refused"),
        "waits": ("planned", False, 0, ""),
    }[stops]
