"""What a text can't be said without, and who has it: as values of one person, and as conditions over many."""

from collections.abc import Collection, Iterable, Mapping
from functools import reduce
from itertools import product
from operator import and_, or_

from django.db.models import F, Q, TextField, Value
from django.db.models.fields.json import KeyTextTransform
from django.db.models.functions import Coalesce, Trim
from django.db.models.lookups import Exact

from campaigns import composing
from campaigns.drafting import Content
from prospects.models import Prospect
from templates import engine, linting, rendering
from templates.context import CUSTOM, VARIABLES
from templates.engine import BadSource
from templates.models import TemplateVersion

MOST = 50  # variables of a text that are looked at
MOST_TOGETHER = 6  # variables of a text with conditions, each of which is tried with each: 64 times
NOBODY = Q(pk=None)
CONDITIONS = {"if", "elsif", "unless"}
FIELDS = {"first_name": "first name", "last_name": "last name", "full_name": "name", "job_title": "job title"}


def named(content: Content) -> frozenset[str]:
    """The person's variables that a text names; none of one that can't be read. The sender's are not the person's."""
    try:
        names = linting.variables(subject=content.subject, text=content.text, html=content.html)
    except BadSource:
        return frozenset()
    return names - composing.SENDERS_WORDS


def needed(content: Content) -> frozenset[str]:
    """The person's variables that a step can't be said without, each tried by itself while all others have a value.

    Nothing for a text that can't be rendered at all: `drafting.problems` says why. A variable that only a condition
    asks for is judged as if every other value were there.
    """
    names = named(content)
    if not _renders(_version(content), names):
        return frozenset()
    return frozenset(name for name in sorted(names)[:MOST] if not _renders(_version(content), names - {name}))


def speechless(content: Content) -> Q:
    """Whom nothing can be said to by this text, as they have no value where it gives no default.

    What conditions of the text let be said is tried value by value, where it names a few of them.
    """
    names = sorted(named(content))
    if not names or not _renders(_version(content), names):
        return NOBODY
    if not _asks(content) or len(names) > MOST_TOGETHER:
        return any_empty(sorted(needed(content)))
    failing = [known for known in product((True, False), repeat=len(names)) if not _is_said(content, names, known)]
    return reduce(or_, (_exactly(dict(zip(names, known, strict=True))) for known in failing), NOBODY)


def _asks(content: Content) -> bool:
    sources = (content.subject, content.text, content.html)
    return any(part.tag in CONDITIONS for source in sources for part in engine.parts(source))


def _is_said(content: Content, names: Iterable[str], known: Iterable[bool]) -> bool:
    return _renders(_version(content), [name for name, is_there in zip(names, known, strict=True) if is_there])


def _exactly(known: Mapping[str, bool]) -> Q:
    return reduce(and_, (~is_empty(name) if is_there else is_empty(name) for name, is_there in known.items()))


def any_empty(names: Iterable[str]) -> Q:
    """Whoever lacks one of these variables."""
    return reduce(or_, (is_empty(name) for name in names), NOBODY)


def is_empty(name: str) -> Q:
    """The same as `composing.values_for` having nothing to say."""
    root, _, own = name.partition(".")
    if root == CUSTOM:
        held = Coalesce(KeyTextTransform(own, CUSTOM), Value("", TextField()))
        return Q(Exact(Trim(held), Value("")))
    if name == "site":
        return Q(site=None)
    if name == "full_name":
        return Q(first_name="", last_name="")
    return Q(Exact(Trim(F(name)), Value("")))


def value(*, prospect: Prospect, variable: str) -> str:
    """What one of the person's variables says; "" when it is empty. `site` is looked at."""
    root, _, own = variable.partition(".")
    if root == CUSTOM:
        held = prospect.custom.get(own)
        return "" if held is None else str(held).strip()
    return str(getattr(prospect, variable) or "").strip()


def words(name: str) -> str:
    """A variable as people call it: “first name”, or their own column in quotes."""
    root, _, own = name.partition(".")
    return f"“{own}”" if root == CUSTOM and own else FIELDS.get(name, name)


def _version(content: Content) -> TemplateVersion:
    return TemplateVersion(subject=content.subject, text=content.text, html=content.html)


def _renders(version: TemplateVersion, names: Collection[str]) -> bool:
    """Whether the message can be said when these and the sender's, and nothing else, have a value."""
    there = {*names, *composing.SENDERS_WORDS}
    values: dict[str, str | dict[str, str]] = {name: "x" for name in there if name in VARIABLES}
    values[CUSTOM] = {name.partition(".")[2]: "x" for name in there if name not in VARIABLES}
    try:
        rendering.render(version, values)
    except rendering.RenderError:
        return False
    return True
