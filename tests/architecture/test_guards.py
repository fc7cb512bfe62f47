"""A guard that cannot fail is a defect: each one is shown a planted violation, and something it must let pass."""

from tests.architecture import data, shape
from tests.architecture.data import Key, ModelShape


def test_file_budget_sees_a_planted_violation():
    assert shape.long_files({"a.py": "x = 1\n" * 401})
    assert not shape.long_files({"a.py": "x = 1\n" * 400})


def test_function_budget_sees_a_planted_violation():
    assert shape.long_functions({"a.py": "class A:\n    def long(self):\n" + "        x = 1\n" * 45})
    assert not shape.long_functions({"a.py": "def short():\n" + "    x = 1\n" * 44})


def test_hidden_imports_sees_a_planted_violation():
    hidden = "def f():\n    if True:\n        from campaigns import planning\n"
    assert shape.hidden_imports({"a.py": hidden}, packages=["campaigns"])
    assert shape.hidden_imports({"a.py": "async def f():\n    import campaigns.planning\n"}, packages=["campaigns"])
    assert not shape.hidden_imports({"a.py": "def f():\n    import scipy\n"}, packages=["campaigns"])
    assert not shape.hidden_imports({"a.py": "from campaigns import planning\n"}, packages=["campaigns"])


def test_module_names_sees_a_planted_violation():
    assert shape.shadowing_modules(["campaigns.queue"])
    assert not shape.shadowing_modules(["outreach.lib.http", "integrations.models.mailbox"])


def test_models_sees_a_planted_violation():
    packages = ["campaigns", "prospects", "outreach"]
    assert shape.models_importing_more({"campaigns.models.message": {"prospects.identity"}}, packages=packages)
    assert shape.models_importing_more({"prospects.models": {"outreach.settings"}}, packages=packages)
    fine = {"campaigns.models.message": {"prospects.models", "outreach.lib.models", "django.db"}}
    assert not shape.models_importing_more(fine, packages=packages)


def test_tasks_sees_a_planted_violation():
    task, call = "campaigns.tasks.deliver_mailbox", "deliver_mailbox.delay(1)"
    assert not shape.undelivered_tasks([task], scheduled=[], sources={"campaigns/tasks.py": call})
    assert not shape.undelivered_tasks([task], scheduled=[task], sources={})
    assert shape.undelivered_tasks([task], scheduled=[], sources={"campaigns/planning.py": call})
    assert shape.undelivered_tasks([], scheduled=["c.tasks.gone"], sources={})


def test_commands_sees_a_planted_violation():
    assert shape.untested_commands(["demo"], tests={"t.py": 'folder = "demo"'})
    for text in ('call_command("demo", once=True)', '"manage.py", "demo"', "from o.management.commands import demo"):
        assert not shape.untested_commands(["demo"], tests={"t.py": text})


def test_query_counts_sees_a_planted_violation():
    route, other = "api-prospects-list", "api-replies-list"
    counted = f'def test_it(django_assert_num_queries):\n    reverse("{route}")\n'
    given = f'@mark.parametrize("route", ["{route}"])\ndef test_it(django_assert_num_queries, route):\n    pass\n'
    uncounted = f'def test_other():\n    reverse("{other}")\n'
    assert not shape.uncounted_lists([route], tests={"t.py": counted + uncounted})
    assert not shape.uncounted_lists([route], tests={"t.py": given})
    assert shape.uncounted_lists([other], tests={"t.py": counted + uncounted})
    assert shape.uncounted_lists([route, other], tests={})


def test_links_sees_a_planted_violation():
    page = {"docs/adr/0001.md": "[a](../setup.md#here) [b](https://example.com/) [c](0002.md)"}
    assert not shape.broken_links(page, files=["docs/setup.md", "docs/adr/0002.md"])
    assert shape.broken_links(page, files=["docs/setup.md"])


def test_foreign_keys_sees_a_planted_violation():
    assert data.keys_pointing_up([Key("prospects.Prospect.campaign", "campaigns", "+")])
    assert data.keys_pointing_up([Key("prospects.Prospect.template", "templates", "+")])
    assert not data.keys_pointing_up([Key("campaigns.Message.prospect", "prospects", "+")])
    assert not data.keys_pointing_up([Key("accounts.User.groups", "auth", "user_set")])


def test_reverse_accessors_sees_a_planted_violation():
    assert data.leaking_accessors([Key("campaigns.Message.prospect", "prospects", "messages")])
    assert not data.leaking_accessors([Key("prospects.ImportRow.batch", "prospects", "rows")])


def test_ordering_sees_a_planted_violation():
    assert data.ordered_models([ModelShape("a.B", ordering=("-id",))])
    assert not data.ordered_models([ModelShape("a.B")])


def test_constraint_names_sees_a_planted_violation():
    assert data.unnamed_constraints([ModelShape("a.B", names=("campaigns_m_mailbox_1a2b3c_idx",))])
    assert data.unnamed_constraints([ModelShape("a.B", unique_together=(("x", "y"),))])
    assert not data.unnamed_constraints([ModelShape("a.B", names=("message_step_once", "message_queue"))])


def test_personal_fields_sees_a_planted_violation():
    models = [ModelShape("a.B", fields=frozenset({"id", "email"}))]
    one, both = {"a.B": frozenset({"id"})}, {"a.B": frozenset({"id", "email"})}
    assert data.unclassified_fields(models, personal={}, impersonal=one) == ["a.B.email is not listed"]
    assert data.unclassified_fields(models, personal=both, impersonal=one) == ["a.B.id is listed twice"]
    gone = {"a.B": frozenset({"email", "phone"}), "a.Gone": frozenset()}
    assert len(data.unclassified_fields(models, personal=gone, impersonal=one)) == 2
    assert not data.unclassified_fields(models, personal={"a.B": frozenset({"email"})}, impersonal=one)


def test_migrations_sees_a_planted_violation():
    line = {("a", "0001"): [], ("a", "0002"): ["0001"]}
    assert not data.forked_migrations(line)
    assert data.forked_migrations({**line, ("a", "0002_other"): ["0001"]})
    assert data.forked_migrations({**line, ("a", "0003"): ["0001", "0002"]})


def test_routes_sees_a_planted_violation():
    assert data.unlisted_routes(["api:new"], table=[])
    assert data.unlisted_routes([], table=["api:gone"])
    assert not data.unlisted_routes(["api:new"], table=["api:new"])
