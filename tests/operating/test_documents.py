"""What is written about settings is what the settings are."""

import re
from pathlib import Path
from typing import Any

import pytest
from pydantic import SecretStr

from app.settings import Settings
from tests.operating.command import ROOT

SETTINGS = {name.upper(): field.default for name, field in Settings.model_fields.items()}
IN_PLACE_OF_NOTHING = {"the mock", "the sandbox's"}


def test_the_settings_table_of_operating_names_every_setting_with_its_default() -> None:
    text = (ROOT / "docs" / "operating.md").read_text("utf-8")
    written = dict(re.findall(r"^\| `([A-Z_]+)` \| (.*?) ?\| ", text, re.MULTILINE))

    assert set(written) == set(SETTINGS)
    told = {name: value for name, value in written.items() if value not in IN_PLACE_OF_NOTHING}
    assert {name: value for name, value in told.items() if value != shown(SETTINGS[name])} == {}


def test_the_example_of_an_environment_names_every_setting() -> None:
    text = (ROOT / ".env.example").read_text("utf-8")

    assert set(re.findall(r"^# ([A-Z_]+)=", text, re.MULTILINE)) - {"POSTGRES_PASSWORD"} == set(SETTINGS)


@pytest.mark.parametrize("document", ["operating.md", "webhooks.md", "architecture.md", "real-providers.md"])
def test_every_link_of_a_document_leads_somewhere(document: str) -> None:
    path = ROOT / "docs" / document
    text = path.read_text("utf-8")
    links = [link for link in re.findall(r"\]\(([^)]+)\)", text) if not link.startswith("http")]

    assert [link for link in links if not leads_somewhere(path, link)] == []


def leads_somewhere(path: Path, link: str) -> bool:
    target, _, anchor = link.partition("#")
    file = path.parent / target if target else path
    headings = re.findall(r"^#+ (.+)$", file.read_text("utf-8"), re.MULTILINE) if anchor else []
    anchors = {re.sub(r"[^\w -]", "", heading).strip().lower().replace(" ", "-") for heading in headings}
    return file.exists() and (not anchor or anchor in anchors)


def shown(default: Any) -> str:
    if isinstance(default, SecretStr) or default in (None, ""):
        return ""
    return str(int(default)) if isinstance(default, float) else str(default)
