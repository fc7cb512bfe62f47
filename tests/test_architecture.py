"""The shape of the code. tests/architecture/test_guards.py shows that each guard can fail."""

from outreach import permissions, schedule
from tests.architecture import data, facts, shape

CODE = facts.sources(*facts.PACKAGES)
TESTS = facts.sources("tests")


def test_looks_at_the_real_project():
    assert "campaigns/planning.py" in CODE
    assert "tests/test_architecture.py" in TESTS
    assert "campaigns.models.message" in facts.import_graph()
    assert "campaigns.tasks.plan" in facts.tasks()
    assert "demo" in facts.commands()
    assert "api-messages-list" in facts.list_routes()
    assert "api-segments-members" in facts.list_routes()
    assert data.Key("campaigns.Message.prospect", "prospects", "+") in facts.foreign_keys()
    assert ("campaigns", "0001_initial") in facts.migrations()
    assert {model.name.partition(".")[0] for model in facts.shapes()} == set(facts.APPS)


def test_keeps_files_short():
    assert shape.long_files(CODE | TESTS) == []


def test_keeps_functions_short():
    assert shape.long_functions(CODE) == []


def test_hides_no_import_of_our_own_in_a_function():
    assert shape.hidden_imports(CODE, packages=facts.PACKAGES) == []


def test_names_no_module_like_the_standard_library():
    assert shape.shadowing_modules(facts.import_graph()) == []


def test_lets_models_import_only_models_and_the_floor():
    assert shape.models_importing_more(facts.import_graph(), packages=facts.PACKAGES) == []


def test_schedules_or_calls_every_task():
    scheduled = [entry["task"] for entry in schedule.BEAT.values()]
    assert shape.undelivered_tasks(facts.tasks(), scheduled=scheduled, sources=CODE) == []


def test_tests_every_command():
    assert shape.untested_commands(facts.commands(), tests=TESTS) == []


def test_counts_the_queries_of_every_list():
    assert shape.uncounted_lists(facts.list_routes(), tests=TESTS) == []


def test_points_foreign_keys_down_the_layers():
    assert data.keys_pointing_up(facts.foreign_keys()) == []


def test_leaks_no_reverse_accessor_into_another_app():
    assert data.leaking_accessors(facts.foreign_keys()) == []


def test_orders_no_model_by_default():
    assert data.ordered_models(facts.shapes()) == []


def test_names_every_constraint_and_index():
    assert data.unnamed_constraints(facts.shapes()) == []


def test_lists_every_field_as_personal_or_not():
    assert (
        data.unclassified_fields(
            facts.shapes(), personal=facts.personal("PERSONAL"), impersonal=facts.personal("IMPERSONAL")
        )
        == []
    )


def test_keeps_migrations_in_one_line():
    assert data.forked_migrations(facts.migrations()) == []


def test_lists_every_route_in_the_permission_table():
    routes = [name for name in facts.routes() if name.partition(":")[0] not in permissions.NAMESPACES]
    assert data.unlisted_routes(routes, table=permissions.ROUTES) == []


def test_links_only_to_files_that_exist():
    assert shape.broken_links(facts.pages(), files=facts.files()) == []
