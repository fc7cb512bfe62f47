#!/usr/bin/env python
"""The command line: provides what the environment does not name, then hands over to Django."""

import os
import sys

from django.core.exceptions import ImproperlyConfigured
from django.core.management import execute_from_command_line

from outreach import embedded


def main() -> None:
    """Run one management command."""
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "outreach.settings")
    embedded.provide()
    try:
        execute_from_command_line(sys.argv)
    except ImproperlyConfigured as error:  # a sentence for whoever wrote the environment; a traceback helps nobody
        sys.exit(f"Outreach can't start: {error}")


if __name__ == "__main__":
    main()
