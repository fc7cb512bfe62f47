import pytest

from templates.models import Template
from tests import factories

PAGE = "/admin/templates/template/"


@pytest.fixture
def office(client, db):
    client.force_login(factories.UserFactory(role="operator", is_staff=True))
    return client


def test_creates_a_template_through_the_verb(office):
    form = {"name": "First", "channel": "email", "subject": "Hello", "text": "Hello {{ company }}", "language": "en"}
    assert office.post(f"{PAGE}add/", form).status_code == 302
    assert Template.objects.get().current_version().variables == ["company"]


def test_says_beside_the_field_what_the_verb_refuses(office):
    form = {"name": "First", "channel": "email", "subject": "Hello", "text": "{{ compnay }}", "language": "en"}
    page = office.post(f"{PAGE}add/", form)
    assert set(page.context["adminform"].form.errors) == {"text"}
    assert not Template.objects.exists()


def test_publishes_a_new_version_only_when_the_content_changed(office):
    template = factories.template()
    version = template.current_version()
    form = {"name": "Other", "subject": version.subject, "text": version.text, "html": "", "language": "en"}
    address = f"{PAGE}{template.pk}/change/"
    office.post(address, form)
    template.refresh_from_db()
    assert (template.name, template.current_version().number) == ("Other", 1)
    office.post(address, form | {"subject": "New"})
    assert (template.current_version().number, template.current_version().subject) == (2, "New")
