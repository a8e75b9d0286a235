from datetime import UTC, datetime

import pytest

from mock_kit.clock import Clock
from tests.api.changing import Customers
from tests.service import Service

# So that dates can be written down: a monthly period that starts here ends on 2028-02-29.
TODAY = datetime(2028, 1, 31, 9, 30, tzinfo=UTC)


@pytest.fixture(scope="module")
def service_clock() -> Clock:
    return Clock(start=TODAY)


@pytest.fixture
def customers(service: Service) -> Customers:
    return Customers(service)
