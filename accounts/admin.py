"""People, keys and remembered answers in the back office; for administrators only."""

from typing import Any

from django.contrib import admin, messages
from django.contrib.auth.admin import UserAdmin
from django.contrib.auth.models import Group
from django.db.models import QuerySet
from django.http import HttpRequest
from django.utils import timezone
from unfold.forms import AdminPasswordChangeForm, UserChangeForm, UserCreationForm

from accounts import keys
from accounts.models import ApiKey, IdempotentAnswer, Installation, User
from outreach.lib.admin import AnyModelForm, ReadOnlyAdmin, ScaledAdmin, VerbAdmin, each

admin.site.unregister(Group)  # what people may do follows from their role alone


@admin.register(User)
class PersonAdmin(ScaledAdmin, UserAdmin):
    says = "Who may sign in. Roles are given, and accounts closed, under Settings, Team."
    form = UserChangeForm
    add_form = UserCreationForm
    change_password_form = AdminPasswordChangeForm
    ordering = ("-pk",)
    list_display = ["username", "first_name", "last_name", "role", "is_active", "last_login"]
    list_filter = ["role", "is_active"]
    filter_horizontal = ()
    sortable_by = ["username", "role", "last_login"]
    readonly_fields = ("last_login", "date_joined")
    fieldsets = (
        (None, {"fields": ("username", "password")}),
        ("Person", {"fields": (("first_name", "last_name"), ("email", "time_zone"))}),
        ("What they may do", {"fields": ("role", "is_active")}),
        ("Dates", {"fields": ("last_login", "date_joined")}),
    )
    add_fieldsets = ((None, {"fields": ("username", "password1", "password2", "role")}),)

    def get_readonly_fields(self, request: HttpRequest, obj: User | None = None) -> Any:
        return [*super().get_readonly_fields(request, obj), *(("role", "is_active") if obj else ())]

    def has_delete_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False  # the ledger says who did what: a person who leaves is deactivated


@admin.register(ApiKey)
class ApiKeyAdmin(VerbAdmin):
    says = "For programs. A key is shown once, when it is made; it may never do more than its owner."
    fields = ["name", "role", "owner", "expires_at"]
    autocomplete_fields = ["owner"]
    list_display = ["name", "prefix", "role", "owner", "created_at", "expires_at", "last_used_at", "revoked_at"]
    list_select_related = ["owner"]
    list_filter = ["role"]
    search_fields = ["name", "=prefix"]
    actions = ["revoke"]

    def has_change_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False  # a key is revoked and made anew

    def call_verb(self, request: HttpRequest, obj: Any, fields: dict[str, Any], *, change: bool) -> ApiKey:
        return keys.create_key(**fields)[0]

    def save_model(self, request: HttpRequest, obj: ApiKey, form: AnyModelForm, change: bool) -> None:
        key, raw = keys.create_key(**form.cleaned_data)
        obj.__dict__.update(key.__dict__)
        messages.warning(request, f"The key, shown this once: {raw}")

    @admin.action(description="Revoke", permissions=["operate"])
    def revoke(self, request: HttpRequest, queryset: QuerySet[ApiKey]) -> None:
        now = timezone.now()
        each(self, request, queryset, lambda key: keys.revoke(key=key, now=now), done="revoked", not_done="had ended")


@admin.register(IdempotentAnswer)
class IdempotentAnswerAdmin(ReadOnlyAdmin):
    says = "Answers of the API that a repeated request gets again, kept for a day."
    list_display = ["caller", "key", "status", "created_at"]
    search_fields = ["=key"]
    exclude = ["body"]  # an answer may carry what its reader here may not see


@admin.register(Installation)
class InstallationAdmin(ReadOnlyAdmin):
    says = "Since when this installation is used for real; “Start for real” sets it."
    list_display = ["__str__", "real_since", "started_by"]
    list_select_related = ["started_by"]
