#!/usr/bin/env python
"""The command line: provides what the environment does not name, then hands over to Django."""

import os
import sys

from django.core.management import execute_from_command_line

from outreach import embedded


def main() -> None:
    """Run one management command."""
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "outreach.settings")
    embedded.provide()
    execute_from_command_line(sys.argv)


if __name__ == "__main__":
    main()
