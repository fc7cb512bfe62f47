"""Lists that scale and forms that call verbs: the bases of every page of the back office."""

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from django import forms
from django.contrib import admin, messages
from django.core.paginator import Paginator
from django.db import models, transaction
from django.http import HttpRequest
from django.utils.functional import cached_property

from outreach.lib.errors import DomainError

if TYPE_CHECKING:  # generic for the type checker only
    AnyModelAdmin = admin.ModelAdmin[Any]
    AnyModelForm = forms.ModelForm[Any]
else:
    AnyModelAdmin = admin.ModelAdmin
    AnyModelForm = forms.ModelForm

MOST_COUNTED = 10_000


class BoundedPaginator(Paginator):
    """Counts to 10000 and no further: whoever needs more rows filters. An unbounded count reads the whole table."""

    @cached_property
    def count(self) -> int:
        rows = self.object_list
        if isinstance(rows, models.QuerySet):
            return rows.order_by()[:MOST_COUNTED].count()
        return len(rows)


class ScaledAdmin(AnyModelAdmin):
    """Newest first by key, no count of the whole table, at most a hundred rows."""

    ordering = ("-pk",)
    paginator = BoundedPaginator
    show_full_result_count = False
    list_per_page = 100
    list_max_show_all = 0

    def has_operate_permission(self, request: HttpRequest) -> bool:
        """For actions (`permissions=["operate"]`): whoever may change such rows, also where no form changes them."""
        return bool(request.user.has_perm(f"{self.opts.app_label}.change_{self.opts.model_name}"))


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

        return type(form.__name__, (TriedForm, form), {"attempt": staticmethod(attempt)})

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
