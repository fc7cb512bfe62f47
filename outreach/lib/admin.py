"""Lists that scale and forms that call verbs: the bases of every page of the back office."""

from collections.abc import Callable
from typing import TYPE_CHECKING, Any, ClassVar

from django import forms
from django.contrib import admin, messages
from django.contrib.auth import get_user_model
from django.core.paginator import Paginator
from django.db import models, transaction
from django.http import HttpRequest, HttpResponse
from django.urls import reverse
from django.utils import timezone
from django.utils.functional import cached_property
from unfold import widgets
from unfold.admin import ModelAdmin

from outreach.lib import history
from outreach.lib.errors import DomainError

if TYPE_CHECKING:  # generic for the type checker only
    AnyModelAdmin = admin.ModelAdmin[Any]
    AnyModelForm = forms.ModelForm[Any]
else:
    AnyModelAdmin = ModelAdmin
    AnyModelForm = forms.ModelForm

MOST_COUNTED = 1_000
WIDGETS: dict[type[forms.Widget], type[forms.Widget]] = {  # what a form declares by itself is dressed like the rest
    forms.TextInput: widgets.UnfoldAdminTextInputWidget,
    forms.Textarea: widgets.UnfoldAdminTextareaWidget,
    forms.URLInput: widgets.UnfoldAdminURLInputWidget,
    forms.PasswordInput: widgets.UnfoldAdminPasswordWidget,
    forms.Select: widgets.UnfoldAdminSelectWidget,
}

SPELT = {"Smtp": "SMTP", "Imap": "IMAP", "smtp": "SMTP", "imap": "IMAP", "inkedin url": "inkedIn page"}


class BoundedPaginator(Paginator):
    """Counts to 1000 and no further: whoever needs more rows filters. An unbounded count reads the whole table."""

    @cached_property
    def count(self) -> int:
        rows = self.object_list
        if isinstance(rows, models.QuerySet):
            return rows.order_by()[:MOST_COUNTED].count()
        return len(rows)


class ScaledAdmin(AnyModelAdmin):
    """Newest first by key, no count of the whole table, fifty rows; what is not there yet is not on the add form.

    `says` is a sentence above the list; `page` names the route of a row's own page, by its public id; a small table
    may name columns in `sortable_by`.
    """

    ordering = ("-pk",)
    paginator = BoundedPaginator
    show_full_result_count = False
    list_per_page = 50
    list_max_show_all = 0
    list_fullwidth = True
    list_disable_select_all = True
    sortable_by: ClassVar[Any] = ()
    says = ""
    page = ""

    def has_operate_permission(self, request: HttpRequest) -> bool:
        """For actions (`permissions=["operate"]`): whoever may change such rows, also where no form changes them."""
        return bool(request.user.has_perm(f"{self.opts.app_label}.change_{self.opts.model_name}"))

    def get_actions(self, request: HttpRequest) -> dict[str, Any]:
        """Rows are deleted one by one, on a page that says what goes with them."""
        return {name: action for name, action in super().get_actions(request).items() if name != "delete_selected"}

    def response_action(self, request: HttpRequest, queryset: models.QuerySet[Any], *args: Any) -> HttpResponse | None:
        """Acts on what was ticked, never on "all": the count is bounded, so nobody could say how many that are."""
        form = request.POST.copy()
        form["select_across"] = "0"
        request.POST = form  # type: ignore[assignment]
        return super().response_action(request, queryset, *args)

    def get_action_choices(self, request: HttpRequest, default_choices: Any = ()) -> list[tuple[str, str]]:
        return [("", "With the ticked ones…"), *super().get_action_choices(request, [])[1:]]

    def get_list_display(self, request: HttpRequest) -> list[Any]:
        """Instants are shown as short as they can be told apart."""
        return [short(self.model, name) for name in super().get_list_display(request)]

    def get_fieldsets(self, request: HttpRequest, obj: Any = None) -> Any:
        fieldsets = super().get_fieldsets(request, obj)
        if obj is not None:
            return fieldsets
        shown = self.get_readonly_fields(request)
        fresh = [
            (title, {**opts, "fields": [f for f in opts["fields"] if f not in shown]}) for title, opts in fieldsets
        ]
        return [(title, opts) for title, opts in fresh if opts["fields"]]

    def get_form(self, request: HttpRequest, obj: Any = None, change: bool = False, **kwargs: Any) -> Any:
        return dressed(super().get_form(request, obj, change=change, **kwargs))

    def history_view(self, request: HttpRequest, object_id: str, extra_context: Any = None) -> HttpResponse:
        """What changed and who did it, from the triggers' history; read-only like everything about the past."""
        row = self.get_object(request, object_id)
        changes = history.of(row) if row is not None else []
        keys = {change.user_id for change in changes if change.user_id}
        names = {user.pk: str(user) for user in get_user_model().objects.filter(pk__in=keys)}
        said = [(change, names.get(change.user_id or 0) or change.command or "the system") for change in changes]
        return super().history_view(request, object_id, extra_context={**(extra_context or {}), "changes": said})

    def get_view_on_site_url(self, obj: Any = None) -> str | None:
        return reverse(self.page, args=[obj.public_id]) if self.page and obj is not None else None


def short(model: type[models.Model], name: Any) -> Any:
    """A column of instants on the looker's clock, such as "22 Nov 15:13"; any other column as it is."""
    field = {field.name: field for field in model._meta.fields}.get(name if isinstance(name, str) else "")
    if not isinstance(field, models.DateTimeField):
        return name

    @admin.display(description=field.verbose_name, ordering=name, empty_value="–")
    def column(row: models.Model) -> str | None:
        value = getattr(row, name)
        if value is None:
            return None
        local = timezone.localtime(value)
        year = "" if local.year == timezone.localdate().year else f" {local.year}"
        return f"{local.day} {local:%b}{year} {local:%H:%M}".replace(" ", "\u00a0")

    column.__name__ = name
    return column


def dressed(form: Any) -> Any:
    """Gives what a form declares by itself the look of the back office, and its labels their spelling."""
    for field in form.base_fields.values():
        for wrong, right in SPELT.items():
            field.label = str(field.label or "").replace(wrong, right) or field.label
        plain = field.widget
        if not (wanted := WIDGETS.get(type(plain))):
            continue
        keep = {"render_value": plain.render_value} if isinstance(plain, forms.PasswordInput) else {}
        field.widget = wanted(attrs=plain.attrs, **keep)
        field.widget.is_required = plain.is_required
        if isinstance(field, forms.ChoiceField | forms.ModelChoiceField):
            field.widget.choices = field.choices
    return form


class ReadOnlyAdmin(ScaledAdmin):
    """Rows that only the system writes, such as the ledger."""

    def has_add_permission(self, request: HttpRequest, *_: Any) -> bool:
        return False

    def has_change_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False

    def has_delete_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False


class VerbAdmin(ScaledAdmin):
    """Saves through a verb. The form tries the verb out first, so that its problems stand beside their fields."""

    def call_verb(self, request: HttpRequest, obj: Any, fields: dict[str, Any], *, change: bool) -> Any:
        """Does the work and returns the row; `fields` are the cleaned ones, on a change only those that changed."""
        raise NotImplementedError

    def get_form(self, request: HttpRequest, obj: Any = None, change: bool = False, **kwargs: Any) -> Any:
        form: type[AnyModelForm] = super().get_form(request, obj, change=change, **kwargs)

        def attempt(fields: dict[str, Any]) -> Any:
            return self.call_verb(request, self._as_stored(obj), fields, change=change)

        return dressed(type(form.__name__, (TriedForm, form), {"attempt": staticmethod(attempt)}))

    def save_model(self, request: HttpRequest, obj: Any, form: Any, change: bool) -> None:
        stored = self._as_stored(obj) if change else obj
        saved = self.call_verb(request, stored, form.fields_for_verb(), change=change)
        obj.__dict__.update(saved.__dict__)

    def _as_stored(self, obj: Any) -> Any:
        """A verb compares with what was: not with the form's instance, which has the new values already."""
        return None if obj is None else self.model._default_manager.get(pk=obj.pk)


class TriedForm(AnyModelForm):
    """Runs the verb in a transaction that is rolled back, and shows what it refuses."""

    @staticmethod
    def attempt(fields: dict[str, Any]) -> Any:
        """Calls the verb; VerbAdmin puts its own here."""
        raise NotImplementedError

    def fields_for_verb(self) -> dict[str, Any]:
        """What the verb is given: everything for a new row, only what changed for an old one."""
        cleaned: dict[str, Any] = self.cleaned_data
        return cleaned if self.instance.pk is None else {name: cleaned[name] for name in self.changed_data}

    def _post_clean(self) -> None:
        super()._post_clean()  # type: ignore[misc]
        if self.errors:
            return
        try:
            with transaction.atomic():
                self.attempt(self.fields_for_verb())
                transaction.set_rollback(True)
        except DomainError as error:
            for problem in error.problems:
                self.add_error(problem.field if problem.field in self.fields else None, problem.message)
            if not error.problems:
                self.add_error(None, str(error))


class SecretField(forms.CharField):
    """A password that is never shown again; left blank it stays as it is."""

    def __init__(self, **kwargs: Any) -> None:
        kwargs = {"required": False, "strip": False, "help_text": "Not shown. Leave blank to keep it.", **kwargs}
        super().__init__(widget=forms.PasswordInput(render_value=False, attrs={"autocomplete": "off"}), **kwargs)

    def has_changed(self, initial: Any, data: Any) -> bool:
        return bool(data)


def each(
    page: AnyModelAdmin,
    request: HttpRequest,
    rows: models.QuerySet[Any],
    verb: Callable[[Any], bool],
    *,
    done: str,
    not_done: str,
) -> None:
    """Calls the verb for each chosen row and says for how many it did something, and for how many it did not."""
    results = [verb(row) for row in rows]
    if count := results.count(True):
        messages.success(request, f"{count} {done}.")
    if count := results.count(False):
        messages.warning(request, f"{count} {not_done}.")
