"""Whether this process was asked to end: a run that could last for long then stops after the message in its hand."""

import threading

asked = threading.Event()
