"""Services that send for others over HTTP, through Anymail: the same promise as over SMTP, told as the same outcome.

Where a service takes an idempotency key, a request whose answer was lost is made again at once with the same key. It is
never made again later: the services forget a key after half an hour (Brevo) or a day (Resend).
"""

import ipaddress
import socket
import uuid
from dataclasses import dataclass
from datetime import UTC, datetime
from email import message_from_bytes, policy
from email.message import EmailMessage
from typing import Any
from urllib.parse import urlsplit

import requests
from anymail.backends import brevo, postmark, resend
from anymail.exceptions import AnymailError, AnymailRecipientsRefused
from django.conf import settings
from django.core.mail import EmailMultiAlternatives
from urllib3.exceptions import NewConnectionError

from integrations.adapters import connecting, http_replies
from integrations.adapters.smtp import CONTROLS
from integrations.ports import (
    CredentialsRefused,
    Fault,
    Outcome,
    Phase,
    Proceed,
    ServiceAccount,
    Unreachable,
    Verdict,
)
from outreach.lib import signing
from outreach.lib.text import printable

SECONDS = (10.0, 30.0)  # to connect, and to wait for each part of the answer
TRIES = 3  # of one request with one key
CARRIED = ("Message-ID", "In-Reply-To", "References", "List-Unsubscribe", "List-Unsubscribe-Post")
RESTRICTED = "restricted_api_key"  # Resend of a key that may only send, which is the best kind
UNTRUSTED = "CERTIFICATE_VERIFY_FAILED"


@dataclass(frozen=True)
class Recipe:
    """How one service is spoken to: `key_header` is an HTTP header, `key_field` one among the mail's own."""

    backend: Any
    secret: str
    url: str
    about_us: str  # what answers 200 to a good key and changes nothing
    login: str  # the HTTP header that the key stands in
    key_header: str = ""
    key_field: str = ""

    @property
    def takes_key(self) -> bool:
        return bool(self.key_header or self.key_field)


RECIPES = {
    "resend": Recipe(
        *(resend.EmailBackend, "api_key", "https://api.resend.com/", "domains", "Authorization"),
        key_header="Idempotency-Key",
    ),
    "brevo": Recipe(
        *(brevo.EmailBackend, "api_key", "https://api.brevo.com/v3/", "account", "api-key"),
        key_field="idempotencyKey",
    ),
    "postmark": Recipe(
        *(postmark.EmailBackend, "server_token", "https://api.postmarkapp.com/", "server", "X-Postmark-Server-Token")
    ),
}


class ServiceConnection:
    """One HTTP session with a service, kept open from message to message. Not for two threads at once."""

    def __init__(self, *, account: ServiceAccount) -> None:
        self.account = account
        self._recipe = RECIPES[account.service]
        self._url = settings.SERVICE_URLS.get(account.service, self._recipe.url)
        self._backend: Any = None
        self._is_away = False

    @property
    def is_open(self) -> bool:
        """True when a message may be handed over; False again once the service could not be reached."""
        return self._backend is not None

    def open(self) -> None:
        """Gets a session ready; nothing is said yet. Raises Unreachable when the service was away a moment ago."""
        if self._is_away:
            raise Unreachable(f"No connection to {self._name}.")
        if self._backend is None:
            self._refuse_elsewhere()
            keys = {self._recipe.secret: self.account.key}
            self._backend = self._recipe.backend(api_url=self._url, timeout=SECONDS, **keys)
            self._backend.open()
            self._backend.session.trust_env = False  # no proxy, no login that the machine happens to know
            self._backend.session.max_redirects = 0

    def close(self) -> None:
        """Lets the session go."""
        backend, self._backend = self._backend, None
        if backend is not None:
            backend.close()

    def check(self) -> None:
        """Asks the service about our key and sends nothing. Raises CredentialsRefused or Unreachable in words."""
        self.open()
        prefix = "Bearer " if self._recipe.login == "Authorization" else ""
        headers = {self._recipe.login: prefix + self.account.key, "Accept": "application/json"}
        try:
            answer = self._backend.session.get(self._url + self._recipe.about_us, headers=headers, timeout=SECONDS)
        except requests.RequestException as error:
            raise Unreachable(f"No connection to {self._name}: {_reason(error)}.") from error
        finally:
            self.close()
        name, words = http_replies.words_of(_json(answer), "")
        if answer.ok or name == RESTRICTED:
            return
        if 400 <= answer.status_code < 500 and answer.status_code != 429:
            raise CredentialsRefused(f"{self._name} refused the key: {answer.status_code} {_clean(words)}.")
        raise Unreachable(f"{self._name} could not check the key: {answer.status_code} {_clean(words)}.")

    def send(self, *, envelope_from: str, recipient: str, data: bytes, proceed: Proceed) -> Outcome:
        """Hands one message to one recipient and tells how it ended; `proceed` is asked before anything is said.

        Raises ValueError for an address with a control character, a space or an angle bracket.
        """
        for address in (envelope_from, recipient):
            if CONTROLS.search(address):
                raise ValueError(f"An envelope address holds a character that mail cannot carry: {address!r}.")
        if self._backend is None:
            return Outcome(Verdict.DEFERRED, Phase.CONNECT, reply="The connection is not open.", fault=Fault.SERVER)
        message = self._message(recipient, data)
        if not proceed():
            return Outcome(Verdict.WITHHELD, Phase.RCPT)
        first = self._try(message)
        lost = first.verdict is Verdict.UNKNOWN and not http_replies.is_known(first.reply)
        return self._again(message, first) if lost and self._recipe.takes_key else first

    def _again(self, message: EmailMultiAlternatives, first: Outcome) -> Outcome:
        """Makes the request anew with the same key; only "taken", now or before, says anything about the first."""
        for _ in range(TRIES - 1):
            if self._backend is None:
                break
            outcome = self._try(message)
            if outcome.verdict is Verdict.ACCEPTED or http_replies.is_known(outcome.reply):
                return Outcome(Verdict.ACCEPTED, Phase.ACCEPTED, outcome.code, reply=outcome.reply)
        return first

    def _message(self, recipient: str, data: bytes) -> EmailMultiAlternatives:
        mail = message_from_bytes(data, _class=EmailMessage, policy=policy.default)
        text, html = mail.get_body(("plain",)), mail.get_body(("html",))
        headers = {name: str(mail[name]) for name in CARRIED if mail[name]}
        key = uuid.UUID(hex=signing.keyed_hash("idempotency", headers.get("Message-ID", ""), recipient)[:32])
        if self._recipe.key_field:
            headers[self._recipe.key_field] = str(key)
        if self._recipe.key_header:
            self._backend.session.headers[self._recipe.key_header] = str(key)
        message = EmailMultiAlternatives(
            subject=str(mail["Subject"]),
            body=text.get_content() if text else "",
            from_email=str(mail["From"].addresses[0]),
            to=[recipient],
            headers=headers,
        )
        if html:
            message.attach_alternative(html.get_content(), "text/html")
        return message

    def _try(self, message: EmailMultiAlternatives) -> Outcome:
        try:
            self._backend.send_messages([message])
        except AnymailRecipientsRefused:
            pass  # the recipient's own status says it
        except AnymailError as error:
            lost = isinstance(error, requests.RequestException) and error.response is None
            return self._lost(error) if lost else self._refused(error)
        return self._told(message)

    def _told(self, message: EmailMultiAlternatives) -> Outcome:
        """What a success says of its one recipient, however spelt: it may take a request and refuse somebody."""
        told = message.anymail_status.recipients.values()  # type: ignore[attr-defined]
        theirs = next((each for each in told if each.status != "unknown"), None)
        said = f"{theirs.status} {theirs.message_id or ''}".strip() if theirs else "unknown"
        if theirs and theirs.status in ("sent", "queued"):
            return Outcome(Verdict.ACCEPTED, Phase.ACCEPTED, 200, reply=said)
        if theirs and theirs.status in ("rejected", "invalid"):
            return Outcome(Verdict.REFUSED, Phase.DOT_SENT, 200, reply=said, fault=Fault.RECIPIENT)
        return http_replies.classify(code=200, words=said)

    def _refused(self, error: AnymailError) -> Outcome:
        answer = error.response
        if answer is None:  # said before anything was sent: Anymail can't put this mail into words for the service
            return Outcome(Verdict.REFUSED, Phase.DATA, reply=_clean(str(error)), fault=Fault.CONTENT)
        _, words = http_replies.words_of(_json(answer), answer.text)
        wait = http_replies.wait_of(answer.headers, now=datetime.now(UTC))
        return http_replies.classify(code=answer.status_code, words=_clean(words), retry_after=wait)

    def _lost(self, error: AnymailError) -> Outcome:
        """No answer. What never reached the service may be tried later; the next message need not try at once."""
        words = _reason(error)
        if not _was_written(error):
            self._is_away = True
            self.close()
            return Outcome(Verdict.DEFERRED, Phase.CONNECT, reply=words, fault=Fault.SERVER)
        return http_replies.classify(code=0, words=words)

    @property
    def _name(self) -> str:
        return self.account.service.capitalize()

    def _refuse_elsewhere(self) -> None:
        if not self.account.loopback_only:
            return
        host = urlsplit(self._url).hostname or ""
        try:
            found = {str(item[4][0]) for item in socket.getaddrinfo(host, None)}
        except OSError as error:
            raise Unreachable(f"No connection to {self._name}: {connecting.reason(error)}.") from error
        if not all(ipaddress.ip_address(address).is_loopback for address in found):
            raise Unreachable(f"A demo mailbox reaches only this machine, and {self._name} is not on it.")


def _was_written(error: BaseException) -> bool:
    """False only where no connection came about: then nothing can have been accepted."""
    cause = error.__cause__ if isinstance(error.__cause__, requests.RequestException) else error
    reason = getattr(cause.args[0] if cause.args else None, "reason", None)
    never = isinstance(error, requests.exceptions.ConnectTimeout) or isinstance(reason, NewConnectionError)
    return not never and UNTRUSTED not in str(cause)


def _json(answer: requests.Response) -> object:
    try:
        return answer.json()
    except ValueError:
        return None


def _reason(error: BaseException) -> str:
    if isinstance(error, requests.exceptions.Timeout):
        return "it did not answer in time"
    if isinstance(error, requests.exceptions.SSLError):
        return "its certificate is not trusted"
    return "the connection was lost" if _was_written(error) else "nothing answers there"


def _clean(words: str) -> str:
    return " ".join(printable(words).split()).rstrip(".")[: http_replies.REPLY_CHARACTERS]
