"""The project as plain data, for the guards."""

import importlib
import inspect
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import grimp
from django.apps import apps
from django.db import models
from django.db.migrations.loader import MigrationLoader
from django.urls import URLPattern, URLResolver, get_resolver

from outreach.celery import app as celery
from tests.architecture.data import Key, ModelShape

ROOT = Path(__file__).resolve().parents[2]
PACKAGES = ("outreach", "campaigns", "experiments", "prospects", "templates", "integrations", "accounts")
APPS = tuple(name for name in PACKAGES if apps.is_installed(name) and name != "outreach")


def sources(*folders: str) -> dict[str, str]:
    """The Python files below `folders` by path, migrations left out."""
    return {
        str(path.relative_to(ROOT)): path.read_text()
        for folder in folders
        for path in sorted((ROOT / folder).rglob("*.py"))
        if "migrations" not in path.parts
    }


def pages() -> dict[str, str]:
    """The documentation by path."""
    return {str(path.relative_to(ROOT)): path.read_text() for path in (*ROOT.glob("*.md"), *ROOT.glob("docs/**/*.md"))}


def files() -> set[str]:
    """The paths of what stands beside the code: what documentation may link to."""
    found = (path for folder in ("docs", "deploy") for path in (ROOT / folder).rglob("*"))
    return {str(path.relative_to(ROOT)) for path in (*ROOT.glob("*"), *found)}


def import_graph() -> dict[str, set[str]]:
    """Module → what it imports directly."""
    graph = grimp.build_graph(*(name for name in PACKAGES if (ROOT / name).is_dir()), cache_dir=None)
    return {module: graph.find_modules_directly_imported_by(module) for module in graph.modules}


def our_models() -> list[type[models.Model]]:
    return [model for app in APPS for model in apps.get_app_config(app).get_models(include_auto_created=False)]


def shapes() -> list[ModelShape]:
    return [
        ModelShape(
            name=model._meta.label,
            fields=frozenset(f.name for f in (*model._meta.concrete_fields, *model._meta.local_many_to_many)),
            ordering=tuple(map(str, model._meta.ordering)),
            unique_together=tuple(model._meta.unique_together),
            names=tuple(item.name for item in (*model._meta.constraints, *model._meta.indexes)),
        )
        for model in our_models()
    ]


def foreign_keys() -> list[Key]:
    return [
        Key(
            name=f"{model._meta.label}.{field.name}",
            target_app=field.related_model._meta.app_label,
            accessor=field.remote_field.related_name or field.remote_field.get_accessor_name() or "+",
        )
        for model in our_models()
        for field in model._meta.get_fields(include_hidden=False)
        if field.is_relation and not field.auto_created
    ]


def personal(name: str) -> dict[str, frozenset[str]]:
    """PERSONAL or IMPERSONAL of all apps, by `app.Model`."""
    lists = {app: getattr(importlib.import_module(f"{app}.personal"), name) for app in APPS}
    return {f"{app}.{model}": fields for app, models in lists.items() for model, fields in models.items()}


def migrations() -> dict[tuple[str, str], list[str]]:
    """(app, migration) → its parents within the app."""
    loader = MigrationLoader(None, ignore_no_migrations=True)
    return {
        (app, name): [parent for parent_app, parent in migration.dependencies if parent_app == app]
        for (app, name), migration in loader.disk_migrations.items()
        if app in APPS
    }


def tasks() -> set[str]:
    celery.loader.import_default_modules()
    return {name for name in celery.tasks if name.partition(".")[0] in PACKAGES}


def commands() -> set[str]:
    return {path.stem for app in PACKAGES for path in (ROOT / app).glob("management/commands/[!_]*.py")}


def routes() -> dict[str, Any]:
    """Every address by name, with the view behind it."""
    return dict(_walk(get_resolver().url_patterns))


def _walk(patterns: list[URLPattern | URLResolver], prefix: str = "") -> Iterator[tuple[str, Any]]:
    for pattern in patterns:
        if isinstance(pattern, URLResolver):
            inner = f"{prefix}{pattern.namespace}:" if pattern.namespace else prefix
            yield from _walk(pattern.url_patterns, inner)
        else:
            yield prefix + (pattern.name or f"(nameless) {pattern.pattern}"), pattern.callback


def list_routes() -> set[str]:
    """The addresses that answer pages of rows: what is called a list, and what paginates by itself."""
    return {name for name, view in routes().items() if _is_list(view, getattr(view, "actions", None) or {})}


def _is_list(view: Any, actions: dict[str, str]) -> bool:
    action = actions.get("get", "")
    if action in ("", "list"):
        return bool(action)
    return any(word in inspect.getsource(getattr(view.cls, action)) for word in ("self.paged(", "paginate_queryset("))
