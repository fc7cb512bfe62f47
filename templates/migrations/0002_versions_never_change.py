"""A trigger that refuses every change of a published template version."""

from django.db import migrations

FORWARD = """
CREATE FUNCTION templates_refuse_change() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    RAISE EXCEPTION 'a template version never changes: publish a new one' USING ERRCODE = 'restrict_violation';
END $$;
CREATE TRIGGER templates_version_is_immutable BEFORE UPDATE ON templates_templateversion
    FOR EACH ROW EXECUTE FUNCTION templates_refuse_change();
"""
BACKWARD = """
DROP TRIGGER templates_version_is_immutable ON templates_templateversion;
DROP FUNCTION templates_refuse_change();
"""


class Migration(migrations.Migration):
    dependencies = [("templates", "0001_initial")]
    operations = [migrations.RunSQL(FORWARD, BACKWARD)]
