"""A version and a person's values make a message."""

from collections.abc import Mapping
from dataclasses import dataclass

from liquid.exceptions import LiquidError, UndefinedError

from outreach.lib.errors import DomainError, Problem
from outreach.lib.text import printable
from templates import engine
from templates.context import CUSTOM
from templates.models import TemplateVersion

Values = Mapping[str, str | Mapping[str, str]]


@dataclass(frozen=True, slots=True)
class Rendered:
    """What would be handed over. The subject is one line; it is empty for a follow-up that keeps its thread's."""

    subject: str
    text: str
    html: str


class RenderError(DomainError):
    """This message can't be written for these values: `field` is the part of it, `variable` what is missing, or ""."""

    title = "The message can't be written"

    def __init__(self, field: str, variable: str, message: str) -> None:
        super().__init__(message, [Problem(field, message)])
        self.field = field
        self.variable = variable


def render(version: TemplateVersion, values: Values) -> Rendered:
    """Fills a version in. Values are plain strings, and `custom` a mapping of them; in HTML they are escaped.

    Every line end comes out as LF.

    Raises RenderError when a variable that the message says has no value and no `default` (nobody gets "Hi ,"), or
    when subject or text come out empty; TypeError when a value is anything but a string.
    """
    given = _present(values)
    subject = " ".join(_fill("subject", version.subject, given).split())
    text = _fill("text", version.text, given)
    for field, source, result in (("subject", version.subject, subject), ("text", "text", text)):
        if source and not result.strip():
            raise RenderError(field, "", f"The {field} comes out empty.")
    return Rendered(subject=subject, text=text, html=_fill("html", version.html, given))


def _fill(field: str, source: str, given: Mapping[str, object]) -> str:
    if not source:
        return ""
    try:
        return engine.fill(source, given, html=field == "html")
    except UndefinedError as error:
        name = str(error.message)
        raise RenderError(field, name, f"{name} is empty, and the {field} gives no default for it.") from error
    except engine.BadSource as error:
        raise RenderError(field, "", f"The {field} {error}") from error
    except (LiquidError, RecursionError) as error:
        what = error.message if isinstance(error, LiquidError) else "it is nested too deeply"
        raise RenderError(field, "", f"The {field} can't be written: {what}.") from error


def _present(values: Values) -> dict[str, object]:
    """The values that say something: an empty one counts as missing, so that `if` and `default` see it so."""
    present: dict[str, object] = {CUSTOM: {}}
    for name, value in values.items():
        if not isinstance(value, str) and isinstance(value, Mapping):  # the first is quick to tell, and mostly true
            inner = {str(key): _plain(f"{name}.{key}", item) for key, item in value.items()}
            present[name] = {key: item for key, item in inner.items() if item}
        elif plain := _plain(name, value):
            present[name] = plain
    return present


def _plain(name: str, value: object) -> str:
    if type(value) is not str:  # a subclass may bring its own __html__ or __liquid__
        raise TypeError(f"Templates see plain strings only, and {name} is a {type(value).__name__}.")
    return printable(value, keep="\n\t")
