"""How each simulated recipient truly behaves: a pure function of the address and a seed."""

import hashlib
import re
from dataclasses import dataclass
from datetime import timedelta
from enum import StrEnum

TAG = re.compile(r"\.run[0-9a-z]+(?=@)")


class Habit(StrEnum):
    """What a recipient does with the mail that reaches them, or keeps from reaching them."""

    SILENT = "silent"
    UNKNOWN = "unknown"  # the server refuses the address at RCPT
    REPORTED = "reported"  # the server takes the mail and sends a delivery report later
    GREYLISTED = "greylisted"  # the first attempt is put off, the next one taken
    OUT_OF_OFFICE = "out_of_office"
    POSITIVE = "positive"
    NEGATIVE = "negative"
    QUESTION = "question"
    REMOVAL = "removal"  # asks in words to be taken off the list
    ONE_CLICK = "one_click"  # uses the mail program's unsubscribe button (RFC 8058)
    CLICKER = "clicker"  # a person opens a link
    SCANNER = "scanner"  # a machine opens every link at once


ANSWERS = frozenset({Habit.POSITIVE, Habit.NEGATIVE, Habit.QUESTION, Habit.REMOVAL})
REACTS_ONCE = ANSWERS | {Habit.REPORTED, Habit.OUT_OF_OFFICE, Habit.ONE_CLICK, Habit.CLICKER}
AT_FIRST_CONTACT = frozenset({Habit.REPORTED, Habit.OUT_OF_OFFICE})

# Of a thousand people; silence is most common, as it is.
SHARES = {
    Habit.SILENT: 440,
    Habit.UNKNOWN: 50,
    Habit.REPORTED: 50,
    Habit.GREYLISTED: 60,
    Habit.OUT_OF_OFFICE: 60,
    Habit.POSITIVE: 60,
    Habit.NEGATIVE: 40,
    Habit.QUESTION: 50,
    Habit.REMOVAL: 40,
    Habit.ONE_CLICK: 60,
    Habit.CLICKER: 50,
    Habit.SCANNER: 40,
}
STEPS = (1, 1, 1, 1, 1, 2, 2, 2, 3, 3)


@dataclass(frozen=True)
class Temperament:
    """One recipient's nature: the habit, the message it is a reaction to, and how soon it comes (0 at once, 1 late)."""

    habit: Habit
    step: int
    slowness: float

    def reacts_to(self, number: int) -> bool:
        """Whether this person does something about the `number`-th message, counted from 1."""
        if self.habit is Habit.SCANNER:
            return True
        return self.habit in REACTS_ONCE and number == self.step

    def answer_at_rcpt(self, *, recipient: str, attempt: int) -> str | None:
        """The server's refusal of this address at the `attempt`-th RCPT, counted from 1; None when it is taken."""
        if self.habit is Habit.UNKNOWN:
            return f"550 5.1.1 <{recipient}>: Recipient address rejected: User unknown in virtual mailbox table"
        if self.habit is Habit.GREYLISTED and attempt == 1:
            return f"451 4.7.1 <{recipient}>: Recipient address rejected: Greylisted, please come back later"
        return None


@dataclass(frozen=True)
class Pace:
    """How long after receipt a reaction comes: between the two, by the person's slowness."""

    soonest: timedelta
    latest: timedelta

    def delay(self, temperament: Temperament) -> timedelta:
        """A scanner is always at once."""
        if temperament.habit is Habit.SCANNER:
            return timedelta(0)
        return self.soonest + (self.latest - self.soonest) * temperament.slowness


LIVE = Pace(soonest=timedelta(seconds=3), latest=timedelta(seconds=60))
ACCELERATED = Pace(soonest=timedelta(seconds=10), latest=timedelta(minutes=3))


def temperament(address: str, seed: int) -> Temperament:
    """The nature of the person at this address; a run's tag in the address changes nothing."""
    digest = hashlib.sha256(f"{seed}:{base_address(address)}".encode()).digest()
    kind, step, slowness = (int.from_bytes(digest[at : at + 4], "big") for at in (0, 4, 8))
    habit = _habit(kind % sum(SHARES.values()))
    number = 1 if habit in AT_FIRST_CONTACT else STEPS[step % len(STEPS)]
    return Temperament(habit=habit, step=number, slowness=slowness / 2**32)


def base_address(address: str) -> str:
    """The address without the tag of a run."""
    return TAG.sub("", address.lower())


def _habit(point: int) -> Habit:
    for habit, share in SHARES.items():
        if point < share:
            return habit
        point -= share
    raise ValueError("The shares do not add up.")
