import pytest

from mock_kit.clock import Clock
from tests.operations.reconcile.books import TODAY, Books
from tests.service import Service


@pytest.fixture(scope="module")
def service_clock() -> Clock:
    return Clock(start=TODAY)


@pytest.fixture
def books(service: Service, entity_id: str) -> Books:
    return Books(service, entity_id)
