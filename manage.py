#!/usr/bin/env python
"""The command line: provides what the environment does not name, then hands over to Django."""

import os
import sys

from django.core.exceptions import ImproperlyConfigured
from django.core.management import execute_from_command_line

from outreach import embedded
from outreach.lib import history


def main() -> None:
    """Run one management command."""
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "outreach.settings")
    embedded.provide()
    try:
        with history.by_command(*sys.argv[1:2]):
            execute_from_command_line(sys.argv)
    except ImproperlyConfigured as error:  # a sentence for whoever wrote the environment; a traceback helps nobody
        sys.exit(f"Outreach can't start: {error}")


if __name__ == "__main__":
    main()
