import pytest

from mock_kit.clock import Clock
from tests.api.conftest import TODAY


@pytest.fixture(scope="module")
def service_clock() -> Clock:
    return Clock(start=TODAY)
