"""Who may do what in the back office: one table of models."""

from typing import Any

from django.contrib.auth.backends import ModelBackend
from django.contrib.auth.models import AbstractBaseUser, AnonymousUser
from django.db.models import Model

from accounts import keys
from accounts.models import Role, User

VIEWER, OPERATOR, MANAGER, ADMINISTRATOR = Role

# The back office. What is not named here may be seen by a viewer and changed by an administrator.
CHANGED_BY: dict[str, Role] = {
    "prospects.program": OPERATOR,
    "prospects.site": OPERATOR,
    "prospects.prospect": OPERATOR,
    "prospects.duplicate": OPERATOR,
    "prospects.segment": OPERATOR,
    "prospects.suppression": MANAGER,
    "templates.template": OPERATOR,
    "campaigns.campaign": OPERATOR,
    "campaigns.step": OPERATOR,
    "campaigns.reply": OPERATOR,
    "campaigns.sendingcontrol": MANAGER,
    "campaigns.touchrules": MANAGER,
    "campaigns.countryrule": MANAGER,
    "integrations.mailbox": MANAGER,
}
ADDED_BY: dict[str, Role] = {**CHANGED_BY, "prospects.suppression": OPERATOR}
DELETED_BY: dict[str, Role] = {**dict.fromkeys(CHANGED_BY, MANAGER), "prospects.suppression": ADMINISTRATOR}
SETTLED_BY: dict[str, Role] = {"campaigns.message": MANAGER}  # says whether an uncertain message was sent
OFFICE_APPS = frozenset({"campaigns", "integrations", "prospects", "templates"})


class RoleBackend(ModelBackend):
    """Passwords as Django keeps them; model permissions follow from the role, never from groups or rows."""

    def has_perm(self, user_obj: AbstractBaseUser | AnonymousUser, perm: str, obj: Model | None = None) -> bool:
        if not isinstance(user_obj, User) or not user_obj.is_active:
            return False
        return keys.role_of_user(user=user_obj).covers(least_role_for_model(perm))

    def has_module_perms(self, user_obj: AbstractBaseUser | AnonymousUser, app_label: str) -> bool:
        if not isinstance(user_obj, User) or not user_obj.is_active:
            return False
        return app_label in OFFICE_APPS or keys.role_of_user(user=user_obj) == ADMINISTRATOR

    def get_all_permissions(self, user_obj: Any, obj: Model | None = None) -> set[str]:
        return set()  # there are no permission rows: ask has_perm

    def get_user_permissions(self, user_obj: Any, obj: Model | None = None) -> set[str]:
        return set()

    def get_group_permissions(self, user_obj: Any, obj: Model | None = None) -> set[str]:
        return set()


def least_role_for_model(perm: str) -> Role:
    """The least role for a permission of the admin, such as "prospects.change_prospect"."""
    app, _, code = perm.partition(".")
    action, _, model = code.partition("_")
    name = f"{app}.{model}"
    tables = {"add": ADDED_BY, "change": CHANGED_BY, "delete": DELETED_BY, "settle": SETTLED_BY}
    table = tables.get(action)
    if action == "view" and app in OFFICE_APPS:
        return VIEWER
    return ADMINISTRATOR if table is None else table.get(name, ADMINISTRATOR)
