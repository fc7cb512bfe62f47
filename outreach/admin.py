"""The schedule in the back office: what runs by itself, how often, in words."""

from typing import Any

from django.contrib import admin
from django_celery_beat.admin import PeriodicTaskAdmin, PeriodicTaskForm, TaskSelectWidget
from django_celery_beat.models import ClockedSchedule, CrontabSchedule, IntervalSchedule, PeriodicTask, SolarSchedule
from unfold.widgets import UnfoldAdminSelectWidget, UnfoldAdminTextInputWidget

from outreach.celery import app
from outreach.lib.admin import ScaledAdmin
from outreach.templatetags import words

UNITS = (("day", 86400), ("hour", 3600), ("minute", 60), ("second", 1))

for model in (PeriodicTask, IntervalSchedule, CrontabSchedule, SolarSchedule, ClockedSchedule):
    admin.site.unregister(model)


class TaskWidget(UnfoldAdminSelectWidget, TaskSelectWidget):
    """The tasks that the worker knows, in our look."""


class ScheduledForm(PeriodicTaskForm):
    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.fields["regtask"].widget = TaskWidget()
        self.fields["regtask"].label = "What to do"
        self.fields["task"].widget = UnfoldAdminTextInputWidget()
        self.fields["task"].label = "Or its name"


@admin.register(PeriodicTask)
class ScheduledAdmin(ScaledAdmin, PeriodicTaskAdmin):
    says = "What Outreach does by itself. What the settings name is set back to them at each start."
    form = ScheduledForm
    change_form_template = None
    date_hierarchy = None
    fieldsets = (
        (None, {"fields": ("name", "regtask", "task", "description", "enabled")}),
        ("How often", {"fields": (("interval", "crontab"), "start_time", "one_off", "last_run_at")}),
        ("With what", {"fields": ("args", "kwargs", ("queue", "expire_seconds")), "classes": ["collapse"]}),
    )
    readonly_fields = ("last_run_at",)
    ordering = ("name",)
    list_display = ["name", "does", "rhythm", "enabled", "last_ran"]
    list_filter = ["enabled"]
    list_select_related = ["interval", "crontab"]
    search_fields = ["name", "task"]
    sortable_by = ["name", "last_run_at"]
    actions = ["enable_tasks", "disable_tasks", "run_tasks"]

    @admin.display(description="what it does")
    def does(self, task: PeriodicTask) -> str:
        """The first line of the task's own description."""
        app.loader.import_default_modules()
        known = app.tasks.get(task.task)
        return task.description or (known.__doc__ or "").strip().partition("\n")[0] or task.task

    @admin.display(description="last run")
    def last_ran(self, task: PeriodicTask) -> str:
        return words.ago(task.last_run_at)

    @admin.display(description="how often", ordering="interval")
    def rhythm(self, task: PeriodicTask) -> str:
        return task.crontab.human_readable if task.crontab else every(task.interval)


def every(interval: IntervalSchedule | None) -> str:
    """3600 seconds are "every hour"."""
    if interval is None:
        return "–"
    seconds = int(interval.schedule.run_every.total_seconds())
    unit, size = next((unit, size) for unit, size in UNITS if seconds % size == 0)
    return f"every {unit}" if seconds == size else f"every {seconds // size} {unit}s"


@admin.register(IntervalSchedule)
class IntervalAdmin(ScaledAdmin):
    says = "Rhythms that tasks may run in."
    list_display = ["__str__", "every", "period"]


@admin.register(CrontabSchedule)
class CrontabAdmin(ScaledAdmin):
    says = "Times of the day that tasks may run at."
    list_display = ["human_readable", "minute", "hour", "day_of_week", "timezone"]
    fields = ("minute", "hour", "day_of_month", "month_of_year", "day_of_week", "timezone")
