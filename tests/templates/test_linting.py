"""What is wrong with a template is said at once, in words, and quickly."""

import time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from templates import linting


def lint(text, *, subject="Hello", html=""):
    return [f"{problem.field}: {problem.message}" for problem in linting.lint(subject=subject, text=text, html=html)]


def test_has_nothing_to_say_about_a_good_template():
    text = (
        "Hi {{ first_name | default: 'there' | upcase }},\n"
        "{% if company and country contains 'DE' %}{{ company | truncate: 20, '..' }}"
        "{% elsif site %}x{% else %}y{% endif %}"
        "{% unless custom.vip %}{{ custom.city | strip | downcase | capitalize }}{% endunless %}"
        "{% comment %} for {{ nobody }} {% endcomment %}{{ unsubscribe_url | escape }}"
    )
    assert lint(text, html=f"<p style='a{{b:c}}'>{text}</p>") == []


def test_says_everything_that_is_wrong_at_once():
    found = lint(
        "{% for p in products %}{{ frist_name }}{% endfor %}{{ company | upcse }}{{ (1..9) }}",
        subject="two\nlines {{ merchnat }}",
        html="{{ custom }}",
    )
    assert sorted(found) == sorted(
        [
            "subject: The subject must be one line.",
            "subject: The subject uses the variable 'merchnat', which is not there; did you mean 'merchant'?",
            "text: The text uses {% for %}, which messages can't use; if, elsif, else, unless and comment are there.",
            "text: The text uses a range (1..9), which messages can't use.",
            "text: The text uses the filter 'upcse', which is not there; did you mean 'upcase'?",
            "text: The text uses the variable 'frist_name', which is not there; did you mean 'first_name'?",
            "html: The html uses the variable 'custom', which is not there.",
        ]
    )


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("", "is empty"),
        ("Hi {{ first_name }", "line 1 and never closes"),
        ("a\nb {{ first_name } and {{ company }}", "line 2 and never closes"),
        ("{% if company %}x", "expected tag endif"),
        ("{% if company == '' %}x{% endif %}", "compares with an empty text"),
        ("{% if company != blank %}x{% endif %}", "compares with an empty text"),
        ("{{ custom[first_name] }}", "looks a variable up"),
        ("{{ first_name.size }}", "did you mean 'first_name'"),
        ("{{ first_name | truncate: 'x' }}", "expected an integer"),
        ("{{ first_name | upcase: 'x' }}", "can't be written"),
        ("{{ }}", "can't be read"),
        ("{{ first_name" + " | escape" * 20 + " }}", "more than 8 filters"),
        ("{% if company %}" * 30 + "x" + "{% endif %}" * 30, "nesting"),
        ("x" * 50_001, "longer than 50,000"),
        ("nul \0", "no text"),
        ("half \ud800", "no text"),
    ],
)
def test_says_what_is_wrong(text, words):
    found = lint(text)
    assert len(found) == 1
    assert words in found[0]


@pytest.mark.parametrize(
    "text",
    [
        "{{" + " " * 49_000,
        "{{" * 25_000,
        "{%" * 25_000,
        "{% raw %}" * 5_000,
        "{{ " + "a[" * 20_000,
        "{{ " + "a[" * 200 + "]" * 200 + "}}",
        "{% if " + "a and " * 8_000,
        "{% if " + "company and " * 30 + "company %}x{% endif %}",
        "{% if (1..1000000000) contains 'x' %}x{% endif %}",
        "{{ first_name }}" * 3_000,
    ],
)
def test_answers_quickly_whatever_it_is_given(text):
    started = time.monotonic()
    lint(text)
    assert time.monotonic() - started < 2


@given(st.text(alphabet="{}%|'\" .:[]()abif#-\n", max_size=60) | st.text(max_size=60))
def test_never_fails_on_a_strange_source(source):
    for problem in linting.lint(subject="s", text=source, html=source):
        assert problem.field in {"text", "html"}
        assert problem.message.endswith((".", "?"))
