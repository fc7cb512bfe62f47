"""The demo world: two mail servers on loopback and the people behind them, who act when their time has come."""

import heapq
from collections import Counter
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from pathlib import Path
from types import TracebackType
from typing import Self, TypeVar

import structlog

from outreach.demo import behaviour, mails, practising, visiting
from outreach.demo.behaviour import Habit, Pace, Temperament
from outreach.demo.imap_server import ImapServer
from outreach.demo.mails import Letter
from outreach.demo.records import Records
from outreach.demo.smtp_server import Manner, SmtpServer, Stage
from outreach.demo.visiting import Unvisited, Visitor

log = structlog.get_logger("demo")
Server = TypeVar("Server")

BY_MAIL = behaviour.ANSWERS | {Habit.REPORTED, Habit.OUT_OF_OFFICE}
AGAIN = timedelta(seconds=5)
MOST_TRIES = 100
PERSON = "Mozilla/5.0 (X11; Linux x86_64; rv:128.0) Gecko/20100101 Firefox/128.0"
SCANNER = "Mozilla/5.0 (compatible; LinkScan/2.1; +https://linkscan.example/)"
# RFC 8058 section 3.2: multipart/form-data should be sent, urlencoded may be.
FORMS = (
    ("application/x-www-form-urlencoded", b"List-Unsubscribe=One-Click"),
    (
        "multipart/form-data; boundary=one-click",
        b'--one-click\r\nContent-Disposition: form-data; name="List-Unsubscribe"\r\n\r\nOne-Click\r\n--one-click--\r\n',
    ),
)


@dataclass(frozen=True, order=True)
class Reaction:
    """What one person will do about one mail."""

    due: datetime
    recipient: str
    message_id: str
    temperament: Temperament = field(compare=False)
    raw: bytes = field(compare=False, repr=False)
    tries: int = field(compare=False, default=0)


class World:
    """Owns both servers and the agenda. A world on the folder of an earlier one goes on where that one was killed.

    `languages` names its people: address → language. Mail to anybody else is accepted and logged, and nobody acts.
    """

    def __init__(self, *, folder: Path, seed: int, pace: Pace, visitor: Visitor, languages: Mapping[str, str]) -> None:
        self.records = Records(folder)
        self.is_resting = False
        self._seed = seed
        self._pace = pace
        self._visitor = visitor
        self._languages = languages
        self._attempts: Counter[str] = Counter()
        self._letters: dict[str, list[str]] = {}
        self._agenda: list[Reaction] = []
        self._taken = 0
        self.smtp: SmtpServer
        self.imap: ImapServer

    def start(self, *, smtp_port: int = 0, imap_port: int = 0) -> Self:
        """Listens, on these ports where they are free: a restarted world is found where it was."""
        self.smtp = _listen(lambda port: SmtpServer(port, self._receive, self.records.received).start(), smtp_port)
        try:
            self.imap = _listen(lambda port: ImapServer(port, password_of=practising.password_of).start(), imap_port)
        except OSError:
            self.smtp.stop()
            raise
        return self

    def stop(self) -> None:
        """Ends both servers."""
        self.smtp.stop()
        self.imap.stop()

    def __enter__(self) -> Self:
        return self.start()

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.stop()

    def open_mailbox(self, address: str) -> str:
        """Gives the sender an account for incoming mail and returns its password."""
        password = practising.password_of(address)
        self.imap.add_user(address, password)
        return password

    def rest(self) -> None:
        """From here on nobody is left who could act: every mail is accepted and logged."""
        self.is_resting = True
        self._languages = {}
        self._agenda.clear()

    def remember(self, *, now: datetime) -> int:
        """Reads the log of an earlier world on this folder; returns how many reactions are owed because of it."""
        letters = self.records.kept_letters()
        done = {(fact.recipient, fact.message_id) for fact in self.records.done()}
        for mail in self.records.accepted():
            key = (mail.recipient, mail.message_id)
            self._attempts[mail.recipient] += 1
            if key in letters:
                self._arrived(*key, raw=letters[key], now=now, is_done=key in done)
        return len(self._agenda)

    def react(self, *, now: datetime) -> int:
        """Looks at what has arrived and does everything that is due; returns how many things were done."""
        arrived = self.smtp.received[self._taken :]
        self._taken += len(arrived)
        for mail in arrived:
            self._arrived(mail.recipient.lower(), mail.message_id, raw=mail.raw, now=now)
        done = 0
        while self._agenda and self._agenda[0].due <= now:
            done += self._perform(heapq.heappop(self._agenda), now=now)
        return done

    def next_due(self) -> datetime | None:
        """When the next reaction is due; None when nobody has anything to do."""
        return self._agenda[0].due if self._agenda else None

    def has_unread_mail(self) -> bool:
        """Whether somebody has received a mail that they have not looked at yet."""
        return self._taken < len(self.smtp.received)

    def _receive(self, recipient: str, message: bytes | None, stage: Stage) -> str | Manner | None:
        """What the receiving server says; runs on its thread."""
        person = recipient.lower()
        if not self._knows(person):
            return None
        if stage is Stage.RCPT:
            self._attempts[person] += 1
            nature = behaviour.temperament(person, self._seed)
            return nature.answer_at_rcpt(recipient=recipient, attempt=self._attempts[person])
        if stage is Stage.DOT and message is not None:
            self.records.keep_letter(recipient=person, message_id=mails.message_id_of(message), raw=message)
        return None

    def _knows(self, recipient: str) -> bool:
        return behaviour.base_address(recipient) in self._languages

    def _arrived(self, recipient: str, message_id: str, *, raw: bytes, now: datetime, is_done: bool = False) -> None:
        if not self._knows(recipient):
            return
        seen = self._letters.setdefault(recipient, [])
        if message_id in seen:
            return
        seen.append(message_id)
        nature = behaviour.temperament(recipient, self._seed)
        if not nature.reacts_to(len(seen)):
            return
        if not is_done:
            due = now + self._pace.delay(nature)
            heapq.heappush(self._agenda, Reaction(due, recipient, message_id, nature, raw))
        elif (
            nature.habit in BY_MAIL
        ):  # our mail server forgot its mail when it stopped: nothing new, so nothing is said
            self._mail_back(nature.habit, mails.read(raw), recipient, now=now)

    def _perform(self, reaction: Reaction, *, now: datetime) -> bool:
        habit = reaction.temperament.habit
        try:
            status = self._act(habit, mails.read(reaction.raw), reaction, now=now)
        except Unvisited as error:
            status = 503
            log.warning("demo_visit_failed", reason=str(error))
        if status >= 500 and reaction.tries < MOST_TRIES:
            heapq.heappush(self._agenda, replace(reaction, due=now + AGAIN, tries=reaction.tries + 1))
            return False
        self.records.note(
            recipient=reaction.recipient, message_id=reaction.message_id, habit=habit.value, status=status
        )
        log.info("demo_recipient_acted", recipient=reaction.recipient, did=habit.value, status=status)
        return True

    def _act(self, habit: Habit, letter: Letter, reaction: Reaction, *, now: datetime) -> int:
        if habit is Habit.ONE_CLICK:
            content_type, body = FORMS[int(reaction.temperament.slowness * 1000) % len(FORMS)]
            url = letter.unsubscribe_url
            return self._visitor.visit("POST", url, agent=PERSON, body=body, content_type=content_type)
        if habit is Habit.CLICKER:
            ours = [link for link in letter.links if visiting.is_ours(link) and link != letter.unsubscribe_url]
            return self._visitor.visit("GET", ours[0], agent=PERSON) if ours else 0
        if habit is Habit.SCANNER:
            ours = [link for link in (*letter.links, letter.unsubscribe_url) if visiting.is_ours(link)]
            return max(self._visitor.visit(method, link, agent=SCANNER) for link in ours for method in ("HEAD", "GET"))
        self._mail_back(habit, letter, reaction.recipient, now=now)
        return 0

    def _mail_back(self, habit: Habit, letter: Letter, recipient: str, *, now: datetime) -> None:
        language = self._languages.get(behaviour.base_address(recipient), "en")
        self.imap.deliver(letter.sender, _mail_back(habit, letter, language=language, now=now))


def _listen(start: Callable[[int], Server], port: int) -> Server:
    """On the wished port, or on any when that one is taken."""
    try:
        return start(port)
    except OSError:
        if not port:
            raise
        return start(0)


def _mail_back(habit: Habit, letter: Letter, *, language: str, now: datetime) -> bytes:
    if habit is Habit.REPORTED:
        return mails.delivery_report(letter, now=now)
    if habit is Habit.OUT_OF_OFFICE:
        return mails.out_of_office(letter, language=language, now=now)
    return mails.answer(letter, habit=habit, language=language, now=now)
