"""Publishing: a template goes on, and each of its versions stays as it was written."""

import re

from django.db import IntegrityError, transaction
from django.db.models import Max

from accounts.models import User
from outreach.lib.errors import Problem
from templates import linting
from templates.linting import TemplateProblems
from templates.models import Channel, Template, TemplateVersion

LANGUAGE = re.compile(r"[a-z]{2,3}(-[A-Za-z0-9]{2,6})?")  # BCP 47, as far as a message needs it


def create_template(
    *,
    name: str,
    channel: str = Channel.EMAIL,
    subject: str,
    text: str,
    html: str = "",
    language: str = "en",
    by: User | None,
) -> Template:
    """Makes a template with its first version. Raises TemplateProblems with everything that is wrong at once."""
    name = name.strip()
    problems = [*_naming_problems(name, channel), *_content_problems(subject, text, html, language)]
    if problems:
        raise TemplateProblems(problems=problems)
    try:
        with transaction.atomic():
            template = Template.objects.create(name=name, channel=channel)
            publish(template=template, subject=subject, text=text, html=html, language=language, by=by)
    except IntegrityError as error:  # somebody took the name a moment ago
        raise TemplateProblems(problems=[_taken(name)]) from error
    return template


@transaction.atomic
def publish(
    *, template: Template, subject: str, text: str, html: str = "", language: str = "en", by: User | None
) -> TemplateVersion:
    """Adds the next version, which counts from now on; earlier ones stay. Raises TemplateProblems."""
    if problems := _content_problems(subject, text, html, language):
        raise TemplateProblems(problems=problems)
    Template.objects.select_for_update().get(pk=template.pk)  # two publishers at once get two numbers
    newest = template.versions.aggregate(newest=Max("number"))["newest"] or 0
    return TemplateVersion.objects.create(
        template=template,
        number=newest + 1,
        subject=subject.strip(),
        text=text,
        html=html,
        language=language,
        variables=sorted(linting.variables(subject=subject, text=text, html=html)),
        created_by=by,
    )


def _naming_problems(name: str, channel: str) -> list[Problem]:
    problems = []
    if not name or len(name) > 100:
        problems.append(Problem("name", "A template needs a name of at most 100 characters."))
    elif Template.objects.filter(name=name).exists():
        problems.append(_taken(name))
    if channel not in Channel.values:
        problems.append(Problem("channel", f"There is no channel {channel!r}; there is: {', '.join(Channel.values)}."))
    return problems


def _content_problems(subject: str, text: str, html: str, language: str) -> list[Problem]:
    problems = list(linting.lint(subject=subject, text=text, html=html))
    if not LANGUAGE.fullmatch(language):
        problems.append(Problem("language", "A language is written like en or pt-BR."))
    return problems


def _taken(name: str) -> Problem:
    return Problem("name", f"There is a template called {name!r} already.")
