"""When a step goes out, in words."""

from datetime import time

from campaigns.models import Step

DAY_NAMES = ("Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday", "Sunday")


def delay_words(step: Step) -> str:
    """When a step follows the one before it."""
    if step.position == 1:
        return "immediately"
    if not step.delay:
        return "right after the message before"
    unit = step.get_delay_unit_display().lower()
    return f"{step.delay} {unit[:-1] if step.delay == 1 else unit} after the message before"


def is_always_open(step: Step) -> bool:
    """Whether a step has no sending hours: any day, at any time."""
    return len(set(step.weekdays)) == 7 and step.window_start == step.window_end == time(0)


def window_words(step: Step) -> str:
    """The days and hours of a step: "Monday to Friday, 9:00 to 17:00"."""
    days = sorted(step.weekdays)
    if len(days) == 7:
        said = "every day"
    elif len(days) > 2 and days[-1] - days[0] == len(days) - 1:
        said = f"{DAY_NAMES[days[0] - 1]} to {DAY_NAMES[days[-1] - 1]}"
    else:
        said = ", ".join(DAY_NAMES[day - 1] for day in days)
    if step.window_start == step.window_end == time(0):
        return f"{said}, around the clock"
    end = "midnight" if step.window_end == time(0) else f"{step.window_end:%-H:%M}"
    return f"{said}, {step.window_start:%-H:%M} to {end}"
