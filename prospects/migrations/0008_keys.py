"""Keys by what a person's handles, and providers that ignore dots or hyphens, say; in steps, beside running programs.

Earlier keys stay in `contact_keys`: a suppression of which only the hash was kept goes on naming its person.
"""

from itertools import islice

from django.db import migrations, transaction
from django.db.models import Q

from prospects import identity

BATCH = 2_000
PROVIDERS = (
    *("me.com", "mac.com", "icloud.com", "proton.me", "protonmail.com", "protonmail.ch", "pm.me", "fastmail.com"),
    *identity.HYPHEN_TAGS,
)


def folded_otherwise(field):
    found = Q(**{f"{field}__iendswith": ".fastmail.com"})
    for domain in PROVIDERS:
        found |= Q(**{f"{field}__iendswith": f"@{domain}"})
    return found


def rekey_people(apps, schema_editor):
    Prospect = apps.get_model("prospects", "Prospect")
    concerned = Prospect.objects.filter(~Q(x_handle="") | ~Q(linkedin_url="") | folded_otherwise("email"))
    ids = iter(list(concerned.order_by("id").values_list("id", flat=True)))
    while batch := list(islice(ids, BATCH)):
        _rekey(Prospect, concerned.filter(pk__in=batch))


def _rekey(Prospect, concerned):
    """Locked and read anew: a key that somebody got since then stays theirs."""
    with transaction.atomic():
        batch = list(concerned.select_related("site").select_for_update(of=("self",)).order_by("id"))
        keys = {row.pk: _identity(row) for row in batch}
        taken = set(Prospect.objects.filter(identity_key__in=keys.values()).values_list("identity_key", flat=True))
        for row in batch:
            new = identity.contact_keys(
                email=row.email,
                site_domain=row.site.domain if row.site else "",
                x_handle=row.x_handle,
                linkedin_url=row.linkedin_url,
            )
            row.contact_keys = list(dict.fromkeys([*new, *row.contact_keys]))
            if keys[row.pk] and keys[row.pk] not in taken:  # a second row of one person: offered as a duplicate
                row.identity_key = keys[row.pk]
                taken.add(row.identity_key)
        Prospect.objects.bulk_update(batch, ["identity_key", "contact_keys"])


def _identity(row):
    return identity.person_key(email=row.email, x_handle=row.x_handle, linkedin_url=row.linkedin_url)


def rekey_suppressions(apps, schema_editor):
    Suppression = apps.get_model("prospects", "Suppression")
    rows = Suppression.objects.filter(folded_otherwise("value"), kind="address").order_by("id")
    for row in rows.iterator(chunk_size=BATCH):
        key = identity.key_for("address", row.value)
        if not Suppression.objects.filter(key=key).exists():
            Suppression.objects.filter(pk=row.pk).update(key=key)


class Migration(migrations.Migration):
    atomic = False

    dependencies = [("prospects", "0007_history")]

    operations = [
        migrations.RunPython(rekey_people, migrations.RunPython.noop),  # first: until the last of them has both keys,
        migrations.RunPython(rekey_suppressions, migrations.RunPython.noop),  # suppressions keep the old one
    ]
