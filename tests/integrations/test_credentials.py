import json
from pathlib import Path

import pytest
from pydantic import SecretStr

from integrations.metronome.credentials import OAuthCredentials, UnusableCredentials

CONTENT = {
    "client_id": "our-client",
    "client_secret": "planted-secret",
    "token_url": "https://auth.example.com/token",
    "scope": "billing:read",
}


def test_credentials_are_read_from_a_file(tmp_path: Path) -> None:
    file = tmp_path / "metronome.json"
    file.write_text(json.dumps(CONTENT))

    assert OAuthCredentials.from_file(file) == OAuthCredentials(
        client_id="our-client",
        client_secret=SecretStr("planted-secret"),
        token_url="https://auth.example.com/token",
        scope="billing:read",
    )


def test_the_secret_is_not_in_the_repr(tmp_path: Path) -> None:
    file = tmp_path / "metronome.json"
    file.write_text(json.dumps(CONTENT))

    assert "planted-secret" not in repr(OAuthCredentials.from_file(file))


@pytest.mark.parametrize(
    ("content", "complaint"),
    [
        (
            '{"type": "service_account", "private_key": "planted-secret"}',
            "is a service-account file; Metronome needs an OAuth client:"
            ' {"client_id": ..., "client_secret": ..., "token_url": ..., "scope": ...}',
        ),
        ('{"client_secret": "planted-secret"', "is not JSON"),
        (b"\xff\xfe", "is not JSON"),
        ('["planted-secret"]', "is not a JSON object"),
        (json.dumps({**CONTENT, "client_secret": 7}), "lacks client_secret, which must be a text"),
        (json.dumps({**CONTENT, "scope": ""}), "lacks scope, which must be a text"),
        (json.dumps({"client_id": "our-client"}), "lacks client_secret, which must be a text"),
    ],
)
def test_a_file_that_cannot_serve_is_refused_in_one_line_that_names_it(
    tmp_path: Path, content: str | bytes, complaint: str
) -> None:
    file = tmp_path / "metronome.json"
    file.write_bytes(content if isinstance(content, bytes) else content.encode())

    with pytest.raises(UnusableCredentials) as caught:
        OAuthCredentials.from_file(file)

    assert str(caught.value) == f"{file} {complaint}"


def test_a_file_that_is_not_there_is_named(tmp_path: Path) -> None:
    with pytest.raises(UnusableCredentials, match="cannot be read: No such file or directory"):
        OAuthCredentials.from_file(tmp_path / "absent.json")


@pytest.mark.parametrize("key", ["client_id", "client_secret", "token_url", "scope"])
def test_an_empty_value_is_refused_by_name(key: str) -> None:
    values = {**CONTENT, key: ""}

    with pytest.raises(UnusableCredentials, match=f"an empty {key}"):
        OAuthCredentials(
            client_id=values["client_id"],
            client_secret=SecretStr(values["client_secret"]),
            token_url=values["token_url"],
            scope=values["scope"],
        )
