"""What a page offers for a segment's rows: the fields, their ops, and what a value can be."""

from collections.abc import Mapping
from dataclasses import dataclass

from prospects import custom_fields, listing
from prospects.models import ImportBatch, Program
from prospects.segments import BadFilter, composing
from prospects.segments.fields import GROUPS, PROVIDERS, Choices, field_of, providers
from prospects.segments.leaves import CUSTOM, STAGE

MOST = 100
RECENT = 2_000  # names of fields of one's own are offered from so many of the newest people
_OWN = """
SELECT DISTINCT jsonb_object_keys(custom) AS name
  FROM (SELECT custom FROM prospects_prospect ORDER BY id DESC LIMIT %s) newest ORDER BY name LIMIT %s
"""


@dataclass(frozen=True)
class Offer:
    """`fields` under their headings; `kinds` of the fields of one's own; `choices` by field."""

    fields: dict[str, Choices]
    kinds: Mapping[str, str]
    choices: Mapping[str, Choices]
    tags: list[str]

    def ops(self, name: str) -> dict[str, str]:
        """The ops of a field; none of one that is not there."""
        try:
            return composing.ops(field_of(name, ""), self.kinds)
        except BadFilter:
            return {}

    def choices_of(self, name: str) -> Choices:
        """What a value of the field can be."""
        try:
            provider = PROVIDERS.get(name.partition(".")[0])
            return (
                self.choices.get(name)
                or list(field_of(name, "").choices)
                or (provider.choices(name) if provider else [])
            )
        except BadFilter:
            return []


def offer() -> Offer:
    """In eight queries and one for each provider, whatever the number of people."""
    known = listing.choices()
    programs = list(Program.objects.order_by("name").values_list("public_id", "name")[:MOST])
    batches = ImportBatch.objects.filter(status="done").order_by("-id").values_list("public_id", "file_name")[:MOST]
    kinds = custom_fields.kinds()
    own = sorted({*kinds, *listing.texts_of(_OWN, [RECENT, MOST])}, key=str.casefold)
    fields = {title: [(field.name, field.label) for field in group] for title, group in GROUPS.items()}
    stages = [(f"{STAGE}{id}", f"stage in {name}") for id, name in programs]
    fields["How far it is"] = stages + fields["How far it is"]
    for provider in providers():
        fields[provider.group] = fields.get(provider.group, []) + provider.offered()
    if own:
        fields["Fields of your own"] = [(f"{CUSTOM}{name}", name.replace("_", " ")) for name in own]
    choices = {
        "country": known.countries,
        "owner": [(user.username, str(user)) for user in known.owners],
        "import_batch": [(str(id), name) for id, name in batches],
    }
    return Offer(fields, kinds, choices, known.tags)
