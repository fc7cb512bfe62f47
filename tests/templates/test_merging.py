"""The fast way to fill in a message says exactly what the sandbox says, or leaves the message to it."""

import pytest
from hypothesis import example, given
from hypothesis import strategies as st
from liquid.exceptions import LiquidError, UndefinedError

from templates import engine, merging

NAMES = ["first_name", "company", "custom.city", "custom.Size_2", "custom", "nobody", "true", "first_name.size"]
PIECES = [
    *("\r\n", "\r"),
    *("Hi ", " ", "\n", "<b>&</b>", "{", "}", "}}", "{{", "{ {", "%}", '"', "ü😀", "{{ }}", "{{first_name}}"),
    *("{{ first_name | upcase }}", "{{- company -}}", "{% if company %}x{% endif %}", "{{ 'text' }}", "{{ 7 }}"),
    *("{{ company | default: 'a' | upcase }}", "{{ company | default: 7 }}", "{{ company | default: custom.city }}"),
    r"{{ company | default: 'a\'b' }}",
]
VALUES = st.text(st.characters(codec="utf-8", exclude_characters="\x00\r"), min_size=1, max_size=8)
PEOPLE = st.fixed_dictionaries(
    {"custom": st.dictionaries(st.sampled_from(["city", "Size_2"]), VALUES)},
    optional={"first_name": VALUES, "company": VALUES},
)


@st.composite
def outputs(draw):
    name, quote, gap = (
        draw(st.sampled_from(NAMES)),
        draw(st.sampled_from("'\"")),
        draw(st.sampled_from(["", " ", "\n"])),
    )
    default = draw(st.none() | st.sampled_from(["there", "", "<b>", "a & b", "ü"]))
    said = "" if default is None else f"{gap}|{gap}default:{gap}{quote}{default}{quote}"
    return f"{{{{{gap}{name}{said}{gap}}}}}"


def sources():
    return st.lists(st.sampled_from(PIECES) | outputs(), max_size=6).map("".join)


def said(work):
    try:
        return work()
    except UndefinedError as error:
        return f"missing: {error.message}"


@given(sources(), PEOPLE, st.booleans())
@example("{{{first_name}}", {"custom": {}, "first_name": "Ada"}, False)
@example("{{first_name}}}", {"custom": {}, "first_name": "Ada"}, False)
@example("{ {{first_name}} }", {"custom": {}, "first_name": "Ada"}, True)
def test_says_what_the_sandbox_says(source, person, html):
    merge = merging.read(source, html=html, longest=engine.MAX_SOURCE)
    if merge is not None:
        template = engine.parse(source, html=html)  # what the fast way reads, the sandbox reads as well
        assert said(lambda: merge.render(person)) == said(lambda: template.render(person))


def test_reads_an_ordinary_message():
    source = "Hi {{ first_name | default: \"there\" }} of {{ company }} in {{ custom.city | default: 'town' }}"
    merge = merging.read(source, html=False, longest=engine.MAX_SOURCE)
    assert merge is not None
    assert merge.render({"company": "Acme", "custom": {}}) == "Hi there of Acme in town"


def test_keeps_to_the_longest_output():
    given = {"company": "x" * 10_000, "custom": {}}
    source = "{{ company }}" * 60
    assert said(lambda: engine.fill("{{ company }}" * 2, given, html=False)) == "x" * 20_000
    with pytest.raises(LiquidError, match="output"):
        engine.fill(source, given, html=False)


def test_leaves_carriage_returns_to_the_sandbox():
    given = {"company": "a\r\nb\rc", "custom": {}}
    assert engine.fill("{{ company }}", given, html=False) == engine.parse("{{ company }}").render(given) == "a\nb\nc"
