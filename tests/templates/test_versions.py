"""A template goes on, its versions stay."""

import threading

import pytest
from django.db import connection

from templates import versions
from templates.models import Template, TemplateVersion

pytestmark = pytest.mark.django_db


def make(name="Hello", **content):
    return versions.create_template(
        by=None, **{"name": name, "subject": "Hi", "text": "Hi {{ first_name }}", **content}
    )


def test_creates_a_template_with_its_first_version(manager):
    template = versions.create_template(
        name=" Hello ",
        subject="For {{ company }} ",
        text="{{ custom.city }}",
        html="<a href='{{ unsubscribe_url }}'>",
        by=manager,
    )
    version = template.current_version()
    assert (template.name, version.number, version.subject, version.created_by) == (
        "Hello",
        1,
        "For {{ company }}",
        manager,
    )
    assert set(version.variables) == {"company", "custom.city", "unsubscribe_url"}


def test_counts_versions_on_and_keeps_the_old_ones():
    template = make()
    second = versions.publish(template=template, subject="Hi", text="again", by=None)
    assert second.number == 2
    assert template.current_version() == second
    assert template.versions.get(number=1).text == "Hi {{ first_name }}"


def test_refuses_a_bad_template_with_every_problem_and_stores_nothing():
    with pytest.raises(versions.TemplateProblems) as caught:
        make(name="", subject="{{ nope }}", text="", html="{% for %}", language="english please", channel="fax")
    assert {problem.field for problem in caught.value.problems} == {
        "name",
        "subject",
        "text",
        "html",
        "language",
        "channel",
    }
    assert not Template.objects.exists()


def test_refuses_a_name_that_is_taken():
    make()
    with pytest.raises(versions.TemplateProblems, match="already"):
        make()


def test_refuses_to_publish_a_bad_version():
    template = make()
    with pytest.raises(versions.TemplateProblems):
        versions.publish(template=template, subject="Hi", text="{{ frist_name }}", by=None)
    assert template.versions.count() == 1


@pytest.mark.django_db(transaction=True)
def test_gives_two_publishers_at_once_two_numbers():
    template = make()
    barrier = threading.Barrier(4)

    def publish():
        barrier.wait()
        versions.publish(template=template, subject="Hi", text="x", by=None)
        connection.close()

    threads = [threading.Thread(target=publish) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert list(TemplateVersion.objects.order_by("number").values_list("number", flat=True)) == [1, 2, 3, 4, 5]
