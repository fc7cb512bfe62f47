"""What changes from one version of a sequence to the next: step by step, timing in words, text line by line. Pure."""

from collections.abc import Sequence
from dataclasses import dataclass
from difflib import SequenceMatcher
from typing import Any

from campaigns.drafting import Content
from campaigns.models import Step
from campaigns.timings import delay_words, window_words

ADDED, REMOVED, MOVED, RETIMED, REWORDED, OTHER = "added", "removed", "moved", "retimed", "reworded", "other"
KEPT, GONE, NEW = "", "-", "+"
CONTEXT = 2  # lines around a change that are shown
IDENTITY = {"id", "public_id", "created_at", "sequence_version", "key", "position"}
DELAY = ("delay", "delay_unit")
WINDOW = ("window_start", "window_end", "weekdays")


@dataclass(frozen=True)
class Line:
    """A line of a text that stayed (""), went ("-") or came ("+")."""

    sign: str
    text: str


@dataclass(frozen=True)
class Change:
    """One step: where it stood (`was`, 0 when it is new) and stands (`position`, 0 when it went), and what changed."""

    key: str
    was: int
    position: int
    kinds: tuple[str, ...]
    sentences: tuple[str, ...]
    subject: tuple[Line, ...] = ()
    text: tuple[Line, ...] = ()
    html: tuple[Line, ...] = ()


def changes(old: Sequence[Content], new: Sequence[Content]) -> tuple[Change, ...]:
    """Every step that differs, in the new order, each removed one behind the step it followed."""
    before = {content.step.key: content for content in old}
    moved = _moved([content.step.key for content in old], [content.step.key for content in new])
    found = [_change(before.get(content.step.key), content, content.step.key in moved) for content in new]
    for content in old:
        if content.step.key not in {each.step.key for each in new}:
            place = max((n + 1 for n, each in enumerate(found) if 0 < each.was < content.step.position), default=0)
            found.insert(place, _removed(content))
    return tuple(change for change in found if change.kinds)


def settings_of(step: Step) -> dict[str, Any]:
    """Everything that says when and how a step is done: what it is called and where it stands are not among it."""
    fields = [field for field in step._meta.concrete_fields if field.name not in IDENTITY]
    return {field.attname: getattr(step, field.attname) for field in fields}


def _moved(old: Sequence[str], new: Sequence[str]) -> set[str]:
    """The kept steps that changed places with others: as few as possible."""
    before, after = [key for key in old if key in new], [key for key in new if key in old]
    blocks = SequenceMatcher(None, before, after, autojunk=False).get_matching_blocks()
    return set(before) - {key for block in blocks for key in before[block.a : block.a + block.size]}


def _change(old: Content | None, new: Content, moved: bool) -> Change:
    step = new.step
    if old is None:
        said = f"Sent {delay_words(step)}, {window_words(step)}."
        return Change(step.key, 0, step.position, (ADDED,), (said,), *_texts(Content(step, None, None), new))
    kinds = [MOVED] if moved else []
    sentences = [f"Was step {old.step.position}, becomes step {step.position}."] if moved else []
    before, after = settings_of(old.step), settings_of(step)
    differs = {name for name in after if before[name] != after[name]}
    if old.step.position == step.position == 1:
        differs -= set(DELAY)  # the first step's never counts
    if differs & {*DELAY, *WINDOW}:
        kinds.append(RETIMED)
        sentences += _timing(old.step, step, differs)
    if others := differs - {*DELAY, *WINDOW}:
        kinds.append(OTHER)
        sentences += [_other(name, before[name], after[name]) for name in sorted(others)]
    texts = _texts(old, new)
    if any(texts):
        kinds.append(REWORDED)
    return Change(step.key, old.step.position, step.position, tuple(kinds), tuple(sentences), *texts)


def _timing(old: Step, new: Step, differs: set[str]) -> list[str]:
    said = []
    if differs & set(DELAY):
        said.append(f"Sent {delay_words(new)}; it was {delay_words(old)}.")
    if differs & set(WINDOW):
        said.append(f"On {window_words(new)}; it was {window_words(old)}.")
    return said


def _other(name: str, before: Any, after: Any) -> str:
    label = name.replace("_", " ").capitalize()
    return f"{label}: {_said(after)}; it was {_said(before)}."


def _said(value: Any) -> str:
    return "yes" if value is True else "no" if value is False else str(value) if value else "nothing"


def _removed(old: Content) -> Change:
    texts = _texts(old, Content(old.step, None, None))
    return Change(old.step.key, old.step.position, 0, (REMOVED,), (), *texts)


def _texts(old: Content, new: Content) -> tuple[tuple[Line, ...], ...]:
    return tuple(lines(getattr(old, name), getattr(new, name)) for name in ("subject", "text", "html"))


def lines(old: str, new: str) -> tuple[Line, ...]:
    """What went and what came, with the lines around it; empty when nothing changed. What stayed in between is "…"."""
    if old == new:
        return ()
    before, after = old.splitlines(), new.splitlines()
    found: list[Line] = []
    for group in SequenceMatcher(None, before, after, autojunk=False).get_grouped_opcodes(CONTEXT):
        if found:
            found.append(Line(KEPT, "…"))
        for tag, a, b, c, d in group:
            if tag == "equal":
                found += [Line(KEPT, text) for text in before[a:b]]
            else:
                found += [Line(GONE, text) for text in before[a:b]] + [Line(NEW, text) for text in after[c:d]]
    return tuple(found) or (Line(KEPT, "Only line breaks at the end changed."),)
