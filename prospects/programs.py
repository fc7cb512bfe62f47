"""Affiliate programs: what people are recruited for, and who the mail legally comes from."""

from typing import Any

from django.core.exceptions import ValidationError

from outreach.lib.errors import DomainError, Problem
from prospects.models import Program


class InvalidProgram(DomainError):
    """A field of a program has a value that can't be."""

    title = "The program is not valid"


def add_program(*, name: str, postal_address: str, merchant: str = "", website: str = "") -> Program:
    """A new program. Raises InvalidProgram, also when another has this name."""
    program = Program(name=name, merchant=merchant, website=website, postal_address=postal_address)
    _check(program)
    program.save(force_insert=True)
    return program


def change_program(*, program: Program, **fields: Any) -> Program:
    """Changes these fields only; mails that are sent from now on carry them. Raises InvalidProgram."""
    changed = {name for name, value in fields.items() if getattr(program, name) != value}
    for name in changed:
        setattr(program, name, fields[name])
    _check(program)
    program.save(update_fields=sorted(changed))
    return program


def _check(program: Program) -> None:
    try:
        program.full_clean()
    except ValidationError as error:
        problems = [Problem(field, sentence) for field, found in error.message_dict.items() for sentence in found]
        raise InvalidProgram("", problems) from error
