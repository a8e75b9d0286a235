from collections.abc import AsyncIterator

import pytest

from tests.mock_metronome.billing_client import BillingClient, billing_client


@pytest.fixture
async def client() -> AsyncIterator[BillingClient]:
    """It is 2027-01-31, 10:00, and the clock stands."""
    async with billing_client() as client:
        yield client
