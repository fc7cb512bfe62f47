"""What an SMTP reply means: one pure function from stage, code and enhanced status to a verdict and a fault."""

import re

from integrations.ports import Fault, Outcome, Phase, Verdict

REPLY_CHARACTERS = 500
JUDGED = (Phase.RCPT, Phase.DOT_SENT)  # where a server says what it thinks of the recipient
STATUS = re.compile(r"\b([245])\.(\d{1,3})\.(\d{1,3})\b")
LOGIN_CODES = frozenset({530, 534, 535, 538})
# RFC 3463 and the IANA registry: what x.1.* says of the address we wrote to, and what of our own.
RECIPIENT_STATUS = frozenset({"1.1", "1.2", "1.3", "1.6", "1.10", "2.1", "6.7"})
SENDER_STATUS = frozenset({"1.7", "1.8"})
CONTENT_STATUS = frozenset({"2.3", "3.4"})
# "Any other" statuses tell no more than the code does: the words and the stage decide.
VAGUE_STATUS = frozenset({"0.0", "1.0", "2.0", "3.0", "5.0"})
POLICY_WORDS = re.compile(
    r"spam|block|black.?list|deny.?list|dnsbl|\brbl\b|spf|dkim|dmarc|reputation|policy|policies|relay|banned"
    r"|access denied|not authori[sz]ed|not permitted|authenticat|client (?:ip|host)|network not allowed",
    re.IGNORECASE,
)
RATE_WORDS = re.compile(
    r"too many (?:recipients|messages|e?mails|connections)|rate.?limit|(?:this|per) (?:minute|hour|day)", re.IGNORECASE
)
# About who writes, however much the rest sounds like an address that is not there.
SENDER_WORDS = re.compile(r"\bsender|\byour (?:ip|domain|host|server|address)|return.?path|\bptr\b", re.IGNORECASE)
USER_UNKNOWN = re.compile(r"user (?:is )?unknown|unknown (?:user|recipient)|no such (?:user|recipient)", re.IGNORECASE)
# Exchange says "Recipient address rejected: Access denied" with 5.4.1 for an address that it does not know.
ADDRESS_WORDS = re.compile(
    r"unknown address|no such (?:mailbox|address|person)|does(?: not|n't) (?:exist|have an? \S+ account)"
    r"|(?:mailbox|user|recipient|address) not found|no mailbox|invalid (?:recipient|mailbox|domain)|host unknown"
    r"|mailbox (?:is )?(?:unavailable|frozen|disabled|inactive)|account (?:\w+ ){0,6}is (?:disabled|inactive|blocked)"
    r"|recipient(?: address)? rejected(?:: access denied)?|not our user",
    re.IGNORECASE,
)
FULL_WORDS = re.compile(r"full|quota|insufficient (?:system )?storage|over.?size", re.IGNORECASE)


def classify(*, phase: Phase, code: int, status: str, text: str) -> Outcome:
    """What a reply, or its absence (code 0), means for the message.

    `phase` is the last thing that completely left us: DOT_SENT once the final dot was written. A reply class that
    does not belong there, or no reply, is a temporary failure before the dot and UNKNOWN after it: never a guess.
    """
    verdict = _verdict(phase=phase, code=code)
    fault = Fault.SERVER
    if verdict is Verdict.ACCEPTED:
        phase, fault = Phase.ACCEPTED, Fault.NONE
    elif verdict is Verdict.REFUSED:
        fault = _fault(phase=phase, code=code, detail=_detail(status), text=text)
    elif verdict is Verdict.DEFERRED and status.startswith("4.7."):
        fault = Fault.POLICY
    elif verdict is Verdict.DEFERRED and code in LOGIN_CODES:
        fault = Fault.MAILBOX
    return Outcome(verdict=verdict, phase=phase, code=code, status=status, reply=text[:REPLY_CHARACTERS], fault=fault)


def status_of(text: str) -> str:
    """The enhanced status code x.y.z a reply begins with or mentions first, "" when none (RFC 3463)."""
    found = STATUS.search(text)
    return found.group(0) if found else ""


def _verdict(*, phase: Phase, code: int) -> Verdict:
    if phase is Phase.DOT_SENT and 200 <= code < 300:
        return Verdict.ACCEPTED
    if 400 <= code < 500:
        return Verdict.DEFERRED
    if 500 <= code < 600:
        return Verdict.REFUSED
    return Verdict.UNKNOWN if phase is Phase.DOT_SENT else Verdict.DEFERRED


def _detail(status: str) -> str:
    """The status without its class; "" when it is missing or says nothing."""
    detail = status.partition(".")[2]
    return "" if detail in VAGUE_STATUS else detail


def _fault(*, phase: Phase, code: int, detail: str, text: str) -> Fault:
    if code in LOGIN_CODES or phase is Phase.AUTH or detail in SENDER_STATUS:
        return Fault.MAILBOX
    if RATE_WORDS.search(text):
        return Fault.POLICY
    if detail in RECIPIENT_STATUS or (phase in JUDGED and _is_unknown(detail=detail, text=text)):
        return Fault.RECIPIENT
    if detail.startswith("7."):
        return Fault.POLICY
    if detail.startswith("6.") or detail in CONTENT_STATUS:
        return Fault.CONTENT
    if detail:
        return Fault.SERVER
    return _fault_without_status(phase=phase, code=code, text=text)


def _is_unknown(*, detail: str, text: str) -> bool:
    """Whether the words say that the address takes no mail: no is never guessed from a number alone."""
    if SENDER_WORDS.search(text):
        return False
    if USER_UNKNOWN.search(text):
        return True
    if detail.startswith(("2.", "6.", "7.")) or not ADDRESS_WORDS.search(text):
        return False
    return not POLICY_WORDS.search(ADDRESS_WORDS.sub("", text))


def _fault_without_status(*, phase: Phase, code: int, text: str) -> Fault:
    """Old servers say only a number and words: the stage tells what was being judged."""
    if code in range(500, 505):
        return Fault.SERVER
    if phase is Phase.MAIL:
        return Fault.MAILBOX
    if POLICY_WORDS.search(text) or SENDER_WORDS.search(text):
        return Fault.POLICY
    if phase is Phase.RCPT and code == 554 and not FULL_WORDS.search(text):
        return Fault.POLICY
    return Fault.CONTENT if phase is Phase.DOT_SENT else Fault.SERVER
