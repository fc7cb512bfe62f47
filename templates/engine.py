"""The sandbox messages are rendered in: Liquid with few tags, few filters, no loops, and plain strings only.

Nothing here can repeat itself: without loops, captures and `case` (which renders its block once per matching
alternative) the work is at most linear in the length of the source, and both source and output are capped.
"""

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import lru_cache
from typing import ClassVar

from liquid import BoundTemplate, Environment, Token
from liquid.builtin import content, illegal, output
from liquid.builtin.filters import misc, string
from liquid.builtin.tags import comment_tag, if_tag, unless_tag
from liquid.exceptions import LiquidError
from liquid.filter import string_filter
from liquid.undefined import UNDEFINED, FalsyStrictUndefined

from templates import merging
from templates.merging import Merge

MAX_SOURCE = 50_000  # characters
MAX_OUTPUT = 500_000  # bytes
MOST_BYTES = 4  # of a character
MAX_PART = 500  # characters of one {{ … }} or {% … %}
FILTERS = {
    "default": misc.default,
    "upcase": string.upcase,
    "downcase": string.downcase,
    "capitalize": string.capitalize,
    "strip": string.strip,
    "truncate": string.truncate,
    "escape": string.escape,
}
TAGS = frozenset({"if", "elsif", "else", "endif", "unless", "endunless", "comment", "endcomment"})
CLOSING = {"{{": "}}", "{%": "%}"}
OPENING = re.compile(r"\{\{|\{%")
TAG_NAME = re.compile(r"\{%-?\s*(\w*|#)")


class Missing(FalsyStrictUndefined):
    """A variable without a value: false in a condition, replaced by `default`, an error everywhere else.

    The error's message is the variable's name and nothing else.
    """

    __slots__ = ()

    def __init__(self, name: str, *, token: Token | None, obj: object = UNDEFINED, hint: str | None = None) -> None:
        super().__init__(name, token=token, obj=obj, hint=(hint or name).removesuffix(" is undefined").strip("'"))


class Sandbox(Environment):
    """Liquid cut down to what a message needs."""

    block_nesting_limit: ClassVar[int] = 10
    context_depth_limit: ClassVar[int] = 10
    loop_iteration_limit: ClassVar[int | None] = 1
    local_namespace_limit: ClassVar[int | None] = 1
    output_stream_limit: ClassVar[int | None] = MAX_OUTPUT

    def setup_tags_and_filters(self, *, extra: bool = False) -> None:
        """Registers the allow-list, and nothing that comes with the library."""
        for tag in (content.Literal, output.Output, illegal.Illegal, if_tag.IfTag, unless_tag.UnlessTag):
            self.add_tag(tag)
        self.add_tag(comment_tag.CommentTag)
        for name, function in FILTERS.items():
            self.add_filter(name, function)


TEXT = Sandbox(undefined=Missing)
HTML = Sandbox(undefined=Missing, autoescape=True)
HTML.add_filter("escape", string_filter(str))  # every output is escaped there already, once and last


class BadSource(Exception):
    """A source that the sandbox can't read; the message is a sentence."""


@dataclass(frozen=True, slots=True)
class Part:
    """One `{{ … }}` or `{% … %}` in a source; `tag` is the tag's name, empty for an output."""

    start: int
    end: int
    text: str
    tag: str


def parts(source: str) -> Iterator[Part]:
    """Finds the tags and outputs in one linear pass (the library's own lexer is cubic on what is never closed).

    Raises BadSource when the source or a part is too long, or a part is opened and never closed.
    """
    if len(source) > MAX_SOURCE:
        raise BadSource(f"is longer than {MAX_SOURCE:,} characters.")
    position = 0
    while opening := OPENING.search(source, position):
        start = opening.start()
        found = source.find(CLOSING[opening.group()], opening.end())
        text = source[start : found + 2] if found >= 0 else ""
        if not text or OPENING.search(text, 2):
            raise BadSource(f"opens {opening.group()} in line {line_of(source, start)} and never closes it.")
        if len(text) > MAX_PART:
            raise BadSource(f"has a {text[:20]}… of more than {MAX_PART} characters in line {line_of(source, start)}.")
        name = TAG_NAME.match(text)
        yield Part(start, found + 2, text, name.group(1) if name else "")
        position = found + 2


def line_of(source: str, index: int) -> int:
    """The line, from 1, that an index lies in."""
    return source.count("\n", 0, index) + 1


def parse(source: str, *, html: bool = False) -> BoundTemplate:
    """Reads a source. Raises BadSource with what is wrong and where."""
    for part in parts(source):
        if part.tag and part.tag not in TAGS:
            raise BadSource(f"uses {{% {part.tag} %}}, which messages can't use.")
    try:
        return (HTML if html else TEXT).from_string(source)
    except LiquidError as error:
        place = error.token.start_index if error.token else -1
        where = f" in line {line_of(source, place)}" if place >= 0 else ""
        raise BadSource(f"can't be read{where}: {error.message}.") from error


@lru_cache(maxsize=512)
def compiled(source: str, html: bool) -> BoundTemplate:
    """The parsed source, kept: by its text rather than its version's id, so that it can never be another's."""
    return parse(source, html=html)


@lru_cache(maxsize=512)
def _merged(source: str, html: bool) -> Merge | None:
    return merging.read(source, html=html, longest=MAX_SOURCE)


def fill(source: str, given: Mapping[str, object], *, html: bool) -> str:
    """The source with these values. Raises BadSource and LiquidError, UndefinedError among them."""
    if merge := _merged(source, html):
        said = merge.render(given)
        if len(said) * MOST_BYTES <= MAX_OUTPUT and "\r" not in said:
            return said
    return compiled(source, html).render(given)
