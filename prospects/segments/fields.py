"""What a rule can ask about: each field's name, its words, and its ops.

Rules, their JSON form and every op are described in `prospects.segments`.
"""

from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass
from enum import Enum
from uuid import UUID

from prospects.cleaning import CUSTOM_NAME
from prospects.models import Prospect, Stage
from prospects.segments import leaves, times
from prospects.segments.errors import BadFilter, join
from prospects.segments.leaves import CUSTOM, STAGE, Leaf, not_

Choices = list[tuple[str, str]]


class Kind(Enum):
    """How a page asks for the value."""

    TEXT = "text"
    CODE = "code"  # one of a few
    TAGS = "tags"
    FLAG = "flag"
    INSTANT = "instant"
    DATE = "date"
    CUSTOM = "custom"  # as its CustomField says


@dataclass(frozen=True)
class Field:
    """One thing to ask about."""

    name: str
    label: str
    kind: Kind
    ops: Mapping[str, Leaf]
    choices: tuple[tuple[str, str], ...] = ()


def both(op: str, leaf: Leaf) -> dict[str, Leaf]:
    """An op and its opposite."""
    return {op: leaf, "is_not" if op == "is" else f"not_{op}": not_(leaf)}


EMPTY: dict[str, Leaf] = {"is_empty": leaves.is_empty, "not_empty": not_(leaves.is_empty)}
TEXT_OPS: dict[str, Leaf] = {
    **both("is", leaves.is_),
    **both("contains", leaves.contains),
    "starts_with": leaves.starts_with,
    **both("in", leaves.in_),
    **EMPTY,
}
CODE_OPS: dict[str, Leaf] = {**TEXT_OPS, **both("is", leaves.is_code), **both("in", leaves.in_codes)}
TAG_OPS: dict[str, Leaf] = {
    **both("is", leaves.has_tag),
    "contains": leaves.has_tag,
    **both("in", leaves.has_one_tag),
    "is_empty": leaves.has_no_tags,
    "not_empty": not_(leaves.has_no_tags),
}
OWNER_OPS: dict[str, Leaf] = {
    **both("is", leaves.is_owner),
    **both("in", leaves.is_one_owner),
    "is_empty": leaves.has_no_owner,
    "not_empty": not_(leaves.has_no_owner),
}
BATCH_OPS: dict[str, Leaf] = {
    **both("is", leaves.is_batch),
    "is_empty": leaves.has_no_batch,
    "not_empty": not_(leaves.has_no_batch),
}
STAGE_OPS: dict[str, Leaf] = {**both("is", leaves.is_stage), **both("in", leaves.is_one_stage)}
CUSTOM_OPS: dict[str, Leaf] = {
    **TEXT_OPS,
    **both("is", times.custom_is(leaves.is_)),
    **{op: times.number(op) for op in times.NUMBERS},
    **{op: leaf for op, leaf in times.DUE_OPS.items() if op not in EMPTY},
}
ADDRESS_KINDS = tuple((word, Prospect.AddressKind(value).label) for word, value in leaves.ADDRESS_KINDS.items())


def _texts(**labels: str) -> list[Field]:
    return [Field(name, label, Kind.TEXT, TEXT_OPS) for name, label in labels.items()]


def _flags(leaf: Leaf, **labels: str) -> list[Field]:
    return [Field(name, label, Kind.FLAG, both("is", leaf)) for name, label in labels.items()]


def _times(kind: Kind, ops: Mapping[str, Leaf], **labels: str) -> list[Field]:
    return [Field(name, label, kind, ops) for name, label in labels.items()]


GROUPS: dict[str, list[Field]] = {
    "Who": [
        *_texts(email="address", first_name="first name", last_name="last name"),
        Field("address_kind", "kind of address", Kind.CODE, both("is", leaves.is_address_kind), ADDRESS_KINDS),
        *_texts(company="company", job_title="job title"),
        Field("kind", "person or creator", Kind.CODE, CODE_OPS, tuple(Prospect.Kind.choices)),
        *_texts(website="website", site="site", x_handle="X handle", linkedin_url="LinkedIn page"),
    ],
    "Where": [
        Field("country", "country", Kind.CODE, CODE_OPS),
        *_texts(language="language", time_zone="time zone"),
    ],
    "What we know": [
        Field("tags", "tag", Kind.TAGS, TAG_OPS),
        Field("owner", "looked after by", Kind.CODE, OWNER_OPS),
        *_texts(source="where we know them from", legal_basis="legal basis", next_step="next step"),
        *_times(Kind.DATE, times.DUE_OPS, next_step_date="next step due"),
        *_times(Kind.DATE, times.PAST_OPS, notice_date="told what we hold"),
        *_times(Kind.INSTANT, times.MOMENT_OPS, created_at="added"),
        Field("import_batch", "import", Kind.CODE, BATCH_OPS),
    ],
    "How far it is": [
        Field("stage", "stage in any program", Kind.CODE, STAGE_OPS, tuple(Stage.Name.choices)),
        *_times(
            Kind.INSTANT,
            times.PAST_OPS,
            contacted_at="last written to",
            replied_at="last answered",
            clicked_at="last clicked",
            bounced_at="last bounced",
            contacted_elsewhere_at="last written to elsewhere",
        ),
    ],
    "May they be written to": [
        *_flags(leaves.is_suppressed, suppressed="on the suppression list"),
        *_flags(leaves.is_marked, stopped="never to be written to", held="on hold", protected="protected"),
        *_flags(
            leaves.is_site_marked,
            site_stopped="site never to be written to",
            site_held="site on hold",
            site_protected="site protected",
        ),
        *_flags(leaves.is_demo, is_demo="of the demo world"),
    ],
}
FIELDS: dict[str, Field] = {field.name: field for group in GROUPS.values() for field in group}


@dataclass(frozen=True)
class Provider:
    """Fields that only a layer above knows, each `<prefix>.<id>`.

    `make` gives the field of a name, `offered` what a page lists under `group`, `choices` what a value of a field can
    be, `names` what ids in rules stand for.
    """

    prefixes: tuple[str, ...]
    group: str
    make: Callable[[str], Field]
    offered: Callable[[], Choices]
    choices: Callable[[str], Choices]
    names: Callable[[Collection[UUID]], dict[str, str]]


PROVIDERS: dict[str, Provider] = {}


def provide(provider: Provider) -> None:
    """Lets rules ask about what a layer above knows; called once, when that layer starts."""
    PROVIDERS.update(dict.fromkeys(provider.prefixes, provider))


def providers() -> list[Provider]:
    """Each of them once."""
    return list({id(provider): provider for provider in PROVIDERS.values()}.values())


def field_of(name: str, path: str) -> Field:
    """The field of that name, `custom.<name>`, `stage.<program's id>` and those of PROVIDERS too. Raises BadFilter."""
    if found := FIELDS.get(name):
        return found
    prefix, _, key = name.partition(".")
    if prefix in PROVIDERS and _is_id(key):
        return PROVIDERS[prefix].make(name)
    if name.startswith(CUSTOM) and CUSTOM_NAME.fullmatch(own := name.removeprefix(CUSTOM)):
        return Field(name, own.replace("_", " "), Kind.CUSTOM, CUSTOM_OPS)
    if name.startswith(STAGE) and _is_id(name.removeprefix(STAGE)):
        return Field(name, "stage", Kind.CODE, STAGE_OPS, tuple(Stage.Name.choices))
    provided = [f"{prefix}.<id>" for prefix in PROVIDERS]
    known = ", ".join([*sorted(FIELDS), "custom.<name>", "stage.<program's id>", *provided])
    raise BadFilter(join(path, "field"), f"There is no field {name[:50]!r}; there is: {known}.")


def _is_id(text: str) -> bool:
    try:
        return str(UUID(text)) == text.lower()
    except ValueError:
        return False
