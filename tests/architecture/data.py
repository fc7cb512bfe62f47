"""Guards over models, migrations and routes. Each takes plain data and returns one sentence per violation."""

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass

LAYERS = {"accounts": 0, "integrations": 0, "templates": 1, "prospects": 1, "experiments": 2, "campaigns": 3}
_AUTOMATIC = re.compile(r"_[0-9a-f]{6,8}_(idx|brin|gin|uniq|check)$|_[0-9a-f]{8}$")


@dataclass(frozen=True)
class Key:
    """A foreign key: `campaigns.Message.mailbox` → `integrations`, seen from there as `accessor`."""

    name: str
    target_app: str
    accessor: str

    @property
    def app(self) -> str:
        return self.name.partition(".")[0]


@dataclass(frozen=True)
class ModelShape:
    """What the guards look at in a model."""

    name: str
    fields: frozenset[str] = frozenset()
    ordering: tuple[str, ...] = ()
    unique_together: tuple[tuple[str, ...], ...] = ()
    names: tuple[str, ...] = ()  # of its constraints and indexes


def keys_pointing_up(keys: Iterable[Key]) -> list[str]:
    """A key points to its own app or to a lower layer; what is not ours (Django's own tables) lies below everything."""
    return [
        f"{key.name} points up or sideways to {key.target_app}"
        for key in keys
        if key.target_app != key.app and key.target_app in LAYERS and LAYERS[key.target_app] >= LAYERS[key.app]
    ]


def leaking_accessors(keys: Iterable[Key]) -> list[str]:
    return [
        f"{key.name} adds .{key.accessor} to a model of {key.target_app}: use related_name='+'"
        for key in keys
        if key.target_app != key.app and key.target_app in LAYERS and not key.accessor.endswith("+")
    ]


def ordered_models(models: Iterable[ModelShape]) -> list[str]:
    return [f"{model.name} orders by {model.ordering} by default" for model in models if model.ordering]


def unnamed_constraints(models: Iterable[ModelShape]) -> list[str]:
    together = [f"{model.name} uses unique_together, which has no name" for model in models if model.unique_together]
    return together + [
        f"{model.name} has a constraint or index without a name of its own: {name!r}"
        for model in models
        for name in model.names
        if not name or _AUTOMATIC.search(name)
    ]


def unclassified_fields(
    models: Iterable[ModelShape], *, personal: Mapping[str, frozenset[str]], impersonal: Mapping[str, frozenset[str]]
) -> list[str]:
    """Every field is personal or impersonal, and no list names what does not exist. Names are `app.Model`."""
    known = {model.name: model.fields for model in models}
    lists = {name: (personal.get(name, frozenset()), impersonal.get(name, frozenset())) for name in known}
    found: list[str] = []
    for name, (yes, no) in lists.items():
        found += [f"{name}.{field} is not listed" for field in sorted(known[name] - yes - no)]
        found += [f"{name}.{field} is listed twice" for field in sorted(yes & no)]
        found += [f"{name}.{field} does not exist" for field in sorted((yes | no) - known[name])]
    return found + [f"{name} is no model" for name in sorted((personal.keys() | impersonal.keys()) - known.keys())]


def forked_migrations(parents: Mapping[tuple[str, str], Iterable[str]]) -> list[str]:
    """Within an app each migration follows one other: no two follow the same, none merges."""
    found: list[str] = []
    followers: dict[tuple[str, str], list[str]] = {}
    for (app, name), before in parents.items():
        before = list(before)
        if len(before) > 1:
            found.append(f"{app}.{name} merges {', '.join(before)}")
        followers.setdefault((app, before[0] if before else "nothing"), []).append(name)
    forks = ((key, names) for key, names in followers.items() if len(names) > 1)
    return found + [f"{app}: {', '.join(sorted(names))} all follow {before}" for (app, before), names in forks]


def unlisted_routes(routes: Iterable[str], *, table: Iterable[str]) -> list[str]:
    listed, existing = set(table), set(routes)
    missing = [f"the route {route} is not in the permission table" for route in sorted(existing - listed)]
    return missing + [f"the permission table lists {route}, which is no route" for route in sorted(listed - existing)]
