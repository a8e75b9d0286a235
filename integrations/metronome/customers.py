from collections.abc import AsyncIterator, Mapping

from billing.tiers import EntityType
from integrations.metronome.api import MetronomeApi, present, segment
from integrations.metronome.types import Customer

PATH = "/api/v1/customers"


class CustomerCalls:
    _api: MetronomeApi

    async def create_customer(
        self,
        *,
        entity_id: str,
        entity_type: EntityType,
        name: str,
        email: str,
        metadata: Mapping[str, str],
        idempotency_key: str,
    ) -> Customer:
        """Raises `Conflict` when the entity has a customer; `find_customer` then tells which."""
        body = {
            "entity_id": entity_id,
            "entity_type": entity_type.value.lower(),
            "name": name,
            "email": email,
            "metadata": dict(metadata),
        }
        return await self._api.write("create_customer", PATH, Customer.read, body=body, idempotency_key=idempotency_key)

    async def find_customer(self, *, entity_id: str) -> Customer | None:
        return await self._api.find("find_customer", PATH, Customer.read, entity_id=entity_id)

    async def get_customer(self, *, customer_id: str) -> Customer:
        return await self._api.get("get_customer", f"{PATH}/{segment(customer_id)}", Customer.read)

    def pages_of_customers(self) -> AsyncIterator[list[Customer]]:
        """Everybody, oldest first, a page at a time."""
        return self._api.pages("list_customers", PATH, Customer.read)

    async def update_customer(
        self,
        *,
        customer_id: str,
        name: str | None = None,
        email: str | None = None,
        metadata: Mapping[str, str | None] | None = None,
        idempotency_key: str,
    ) -> Customer:
        """What is None stays; `metadata` is merged, a None inside it removes that label."""
        return await self._api.write(
            "update_customer",
            f"{PATH}/{segment(customer_id)}",
            Customer.read,
            method="PATCH",
            body=present(name=name, email=email, metadata=None if metadata is None else dict(metadata)),
            idempotency_key=idempotency_key,
        )
