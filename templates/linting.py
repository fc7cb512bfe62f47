"""What is wrong with a template, all of it at once, before anybody is written to."""

import difflib
import re
from collections.abc import Iterable, Iterator

from liquid import BoundTemplate
from liquid.ast import Node
from liquid.builtin.expressions import FilteredExpression
from liquid.builtin.expressions.primitive import RangeLiteral
from liquid.context import RenderContext
from liquid.exceptions import LiquidError
from liquid.expression import Expression

from outreach.lib.errors import DomainError, Problem
from templates import context, engine

MAX_SUBJECT = 500
MAX_FILTERS = 8  # of one expression: `escape` after `escape` makes a text longer each time
UNSTORABLE = re.compile("[\0\ud800-\udfff]")
EMPTY_TEST = re.compile(r"""(==|!=|<>)\s*(''|""|blank\b|empty\b)|(''|""|\bblank|\bempty)\s*(==|!=|<>)""")


class TemplateProblems(DomainError):
    """A template that can't be saved; `problems` says everything that is wrong with it."""

    title = "The template has problems"


def lint(*, subject: str, text: str, html: str = "") -> tuple[Problem, ...]:
    """Everything that is wrong with a message: structure, syntax, tags, filters and variables. Empty when fine."""
    found = list(_shape(subject, text))
    for field, source in (("subject", subject), ("text", text), ("html", html)):
        found += [Problem(field, f"The {field} {what}") for what in _source_problems(source, html=field == "html")]
    return tuple(dict.fromkeys(found))


def variables(*, subject: str, text: str, html: str = "") -> frozenset[str]:
    """The variables that the sources name. Raises engine.BadSource when one can't be read."""
    return frozenset[str]().union(*(_names(engine.parse(source)) for source in (subject, text, html)))


def _shape(subject: str, text: str) -> Iterator[Problem]:
    if len(subject.splitlines()) > 1 or subject.endswith(("\n", "\r")):
        yield Problem("subject", "The subject must be one line.")
    if len(subject) > MAX_SUBJECT:
        yield Problem("subject", f"The subject is longer than {MAX_SUBJECT} characters.")
    if not text.strip():
        yield Problem("text", "The text is empty; every mail has a plain text.")


def _source_problems(source: str, *, html: bool) -> Iterator[str]:
    """The source is read without the tags it must not use, so that those hide nothing else that is wrong."""
    if UNSTORABLE.search(source):
        yield "contains characters that are no text (NUL or half of a surrogate pair)."
        return
    try:
        found = list(engine.parts(source))
        forbidden = [part for part in found if part.text.startswith("{%") and part.tag not in engine.TAGS]
        yield from _forbidden_tags(part.tag for part in forbidden)
        yield from _empty_tests(found)
        for part in reversed(forbidden):
            source = source[: part.start] + source[part.end :]
        template = engine.parse(source, html=html)
        wrong = [*_forbidden_expressions(template), *_unknown_variables(_names(template))]
        yield from wrong or _failing(template)
    except engine.BadSource as problem:
        yield str(problem)
    except RecursionError:
        yield "is nested too deeply."


def _forbidden_tags(names: Iterable[str]) -> Iterator[str]:
    seen = set(names)
    for name in sorted(seen):
        if not (name.startswith("end") and name[3:] in seen):
            allowed = "if, elsif, else, unless and comment are there"
            yield f"uses {{% {name} %}}, which messages can't use; {allowed}."


def _empty_tests(found: Iterable[engine.Part]) -> Iterator[str]:
    if any(part.tag and EMPTY_TEST.search(part.text) for part in found):
        yield "compares with an empty text; write {% if name %} or {% unless name %} to ask whether there is a value."


def _forbidden_expressions(template: BoundTemplate) -> Iterator[str]:
    for expression in _expressions(template):
        if isinstance(expression, RangeLiteral):
            yield "uses a range (1..9), which messages can't use."
        filters = expression.filters or [] if isinstance(expression, FilteredExpression) else []
        if len(filters) > MAX_FILTERS:
            yield f"has more than {MAX_FILTERS} filters on one value."
        for used in filters:
            if used.name not in engine.FILTERS:
                yield f"uses the filter {used.name!r}, which is not there{_suggestion(used.name, engine.FILTERS)}"


def _unknown_variables(names: Iterable[str]) -> Iterator[str]:
    unknown = sorted(name for name in names if not context.is_known(name))
    if any("[" in name for name in unknown):
        yield "looks a variable up with [ ]; write its name, such as first_name or custom.city."
    for name in unknown:
        if "[" not in name:
            yield f"uses the variable {name[:50]!r}, which is not there{_suggestion(name, context.VARIABLES)}"


def _failing(template: BoundTemplate) -> Iterator[str]:
    """Tries it out: a filter with a wrong argument shows only then."""
    custom = {name.partition(".")[2]: "x" for name in _names(template)}
    try:
        template.render({**dict.fromkeys(context.VARIABLES, "x"), context.CUSTOM: custom})
    except LiquidError as error:
        yield f"can't be written: {error.message}."


def _suggestion(name: str, choices: Iterable[str]) -> str:
    close = difflib.get_close_matches(name.lower().replace("-", "_"), list(choices), n=1, cutoff=0.5)
    return f"; did you mean {close[0]!r}?" if close else "."


def _names(template: BoundTemplate) -> frozenset[str]:
    analysis = template.analyze(include_partials=False)
    return frozenset(str(variable) for group in analysis.variables.values() for variable in group)


def _expressions(template: BoundTemplate) -> Iterator[Expression]:
    static = RenderContext(template)
    nodes: list[Node] = list(template.nodes)
    while nodes:
        node = nodes.pop()
        nodes.extend(node.children(static, include_partials=False))
        pending = list(node.expressions())
        while pending:
            expression = pending.pop()
            yield expression
            pending.extend(expression.children())
