"""Choosing a time zone: a form field that offers the zones people live in."""

from collections.abc import Iterator
from functools import lru_cache
from typing import Any
from zoneinfo import available_timezones

from django import forms
from django.utils.html import format_html, format_html_join
from django.utils.safestring import SafeString

ELSEWHERE = ("Etc/", "SystemV/")  # names of offsets, not of places


@lru_cache(maxsize=1)
def named() -> tuple[str, ...]:
    """The IANA names of places, and UTC, which comes first."""
    return ("UTC", *sorted(name for name in available_timezones() if "/" in name and not name.startswith(ELSEWHERE)))


class ZoneSelect(forms.Select):
    """Renders its six hundred options at once: Django's way fills in a template for each of them."""

    def render(self, name: str, value: Any, attrs: Any = None, renderer: Any = None) -> SafeString:
        chosen = str(value or "")
        options = format_html_join(
            "\n",
            '<option value="{}"{}>{}</option>',
            ((zone, SafeString(" selected") if zone == chosen else "", words) for zone, words in self.choices),
        )
        html = {**self.attrs, **(attrs or {}), "name": name}
        given = {key: "" if setting is True else setting for key, setting in html.items() if setting is not False}
        return format_html("<select{}>{}</select>", format_html_join("", ' {}="{}"', given.items()), options)


class ZoneField(forms.ChoiceField):
    """An IANA zone. `empty` is what an empty choice says; a form's older name of a zone stays what it is (`keep`)."""

    widget = ZoneSelect

    def __init__(self, *, empty: str = "", **kwargs: Any) -> None:
        self._empty = empty
        super().__init__(choices=lambda: list(self._offered()), **kwargs)

    def keep(self, zone: str) -> None:
        """Offers this name too, even when it is no place's any more."""
        if zone and zone not in named():
            self.choices = [*self._offered(), (zone, zone)]

    def _offered(self) -> Iterator[tuple[str, str]]:
        if self._empty:
            yield "", self._empty
        yield from ((name, name.replace("_", " ")) for name in named())


def keep(form: forms.BaseForm, field: str, zone: str) -> None:
    """`ZoneField.keep` for a field of a form."""
    found = form.fields[field]
    if isinstance(found, ZoneField):
        found.keep(zone)
