"""What a message says in the end, and what it refuses to say."""

import time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from outreach.lib.text import printable
from templates import rendering
from templates.models import TemplateVersion

PERSON = {"first_name": "Anna", "company": "Müller & Söhne", "custom": {"city": "Köln"}}


def render(text, values=PERSON, *, subject="Hello", html=""):
    return rendering.render(TemplateVersion(subject=subject, text=text, html=html), values)


def test_fills_in_what_it_was_given():
    result = render("Hi {{ first_name }} in {{ custom.city }}", subject="For {{ company }}")
    assert (result.subject, result.text, result.html) == ("For Müller & Söhne", "Hi Anna in Köln", "")


@pytest.mark.parametrize("value", ["", "   ", "\n", None])
def test_refuses_to_say_hi_to_nobody(value):
    values = {} if value is None else {"first_name": value}
    with pytest.raises(rendering.RenderError) as caught:
        render("Hi {{ first_name }},", values)
    assert (caught.value.field, caught.value.variable) == ("text", "first_name")
    assert "first_name is empty" in str(caught.value)


@pytest.mark.parametrize("values", [{}, {"custom": {}}, {"custom": {"city": " "}}])
def test_names_a_missing_custom_field(values):
    with pytest.raises(rendering.RenderError) as caught:
        render("{{ custom.city }}", values)
    assert caught.value.variable == "custom.city"


def test_takes_the_default_for_an_empty_variable():
    assert render("Hi {{ first_name | default: 'there' }}", {"first_name": ""}).text == "Hi there"


def test_lets_a_condition_ask_for_an_empty_variable():
    text = "{% if company %}At {{ company }}{% else %}Alone{% endif %}"
    assert render(text, {"company": ""}).text == "Alone"
    assert render(text, {"company": "Acme"}).text == "At Acme"


def test_escapes_values_in_html_only():
    result = render("{{ company }}", {"company": "<b>&"}, html="<p>{{ company }} {{ company | escape | upcase }}</p>")
    assert result.text == "<b>&"
    assert result.html == "<p>&lt;b&gt;&amp; &lt;B&gt;&amp;</p>"


def test_keeps_the_subject_on_one_line():
    result = render("text", {"first_name": "A\r\nBcc: all@example.com"}, subject="For {{ first_name }}")
    assert result.subject == "For A Bcc: all@example.com"


def test_refuses_a_subject_or_a_text_that_comes_out_empty():
    for parts in (
        {"subject": "{% if job_title %}x{% endif %}", "text": "x"},
        {"text": "{% if job_title %}x{% endif %}"},
    ):
        with pytest.raises(rendering.RenderError, match="comes out empty"):
            render(**parts)


def test_leaves_an_empty_subject_to_the_thread():
    assert render("text", subject="").subject == ""


@pytest.mark.parametrize("value", [3, None, ["x"], b"x", object(), type("Text", (str,), {})("x")])
def test_sees_plain_strings_only(value):
    with pytest.raises(TypeError, match="plain strings"):
        render("{{ first_name }}", {"first_name": value})


@pytest.mark.parametrize(
    "source",
    [
        "{{ first_name.__class__.__mro__ }}",
        "{{ ''.__class__ }}",
        "{{ first_name['__class__'] }}",
        "{{ config }}",
        "{{ self.__init__.__globals__ }}",
        "{{ settings.SECRET_KEY }}",
        "{{ custom.__class__ }}",
        "{{ custom.items }}",
        "{{ 7*7 }}",
        "{% include '/etc/passwd' %}",
        "{% render 'x' %}",
        "{{ 'a' | times: 1000000000 }}",
        "{% for i in (1..99999) %}{% for j in (1..99999) %}{% endfor %}{% endfor %}",
        "{% tablerow i in (1..99999999) %}x{% endtablerow %}",
        "{% assign x = 'a' %}{{ x }}",
        "{% capture x %}a{% endcapture %}",
        "{% case 1 %}{% when 1, 1, 1, 1 %}x{% endcase %}",
        "{% liquid echo 1 %}",
        "{% increment x %}",
        "{{ 'x' | date: '%999999999d' }}",
        "{{ first_name | append: first_name }}",
        "${7*7} #{7*7} <%= 7*7 %> {{=7*7}}",
        "{{ '{{ company }}' }}",
    ],
)
def test_evaluates_nothing_it_should_not(source):
    """An unlinted source, as if it had got into the table: it ends at once, and in an error."""
    started = time.monotonic()
    with pytest.raises(rendering.RenderError):
        render(source)
    assert time.monotonic() - started < 1


def test_never_reads_a_value_as_a_template():
    assert render("{{ first_name }}", {"first_name": "{{ company }}{% if x %}"}).text == "{{ company }}{% if x %}"


def test_stops_a_message_that_grows_too_long():
    with pytest.raises(rendering.RenderError, match="limit"):
        render("{{ custom.bio }}" * 2_000, {"custom": {"bio": "x" * 5_000}})


@given(st.text(st.characters(exclude_characters="{}", exclude_categories=["Cs"]), min_size=1).filter(str.strip))
def test_leaves_a_text_without_braces_alone_but_for_its_line_ends(text):
    assert render(text).text == text.replace("\r\n", "\n").replace("\r", "\n")


@given(st.text(st.characters(exclude_categories=["Cs", "Cc"]), min_size=1).map(printable).filter(bool))
def test_says_any_name_as_it_is(name):
    assert render("{{ first_name }}", {"first_name": name}).text == name
