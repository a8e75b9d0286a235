import socket

import pytest

from mock_kit.serve import serve
from tests.mock_kit.tally import create_app


@pytest.mark.parametrize("host", ["0.0.0.0", "192.0.2.1", "::", "example.com", ""])  # noqa: S104 - what must be refused
def test_listens_on_loopback_only(host: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert serve(create_app(), name="tally", port=0, host=host) == 2

    assert capsys.readouterr().err == (
        f"tally: {host} is not a loopback address; a sandbox without real authentication stays local.\n"
    )


def test_a_taken_port_is_named_with_the_way_to_another(capsys: pytest.CaptureFixture[str]) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        assert serve(create_app(), name="tally", port=port, port_setting="--port") == 2

    (line,) = capsys.readouterr().err.splitlines()
    assert line.startswith(f"tally: port {port} on 127.0.0.1 cannot be used")
    assert line.endswith("Choose another with --port.")
