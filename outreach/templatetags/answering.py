"""What a page says of a person's answer."""

from django import template

from campaigns import answers

register = template.Library()
register.filter(answers.correction)
register.filter(answers.mail_address)
