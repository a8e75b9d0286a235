from collections.abc import AsyncIterator, Mapping
from datetime import datetime

import stripe
from stripe.params import CustomerListParams

from integrations.stripe.api import PAGE_SIZE, StripeApi
from integrations.stripe.types import StripeCustomer


class CustomerCalls:
    _api: StripeApi

    async def create_customer(
        self, *, entity_id: str, name: str, email: str, metadata: Mapping[str, str], idempotency_key: str
    ) -> StripeCustomer:
        """The entity's id goes into metadata["entity_id"]; Stripe itself lets one entity have many customers."""
        return await self._api.call(
            "create_customer",
            self._api.sdk.customers.create_async(
                {"name": name, "email": email, "metadata": {**metadata, "entity_id": entity_id}},
                {"idempotency_key": idempotency_key},
            ),
            StripeCustomer.read,
        )

    async def find_customer(self, *, entity_id: str, created_since: datetime | None = None) -> StripeCustomer | None:
        """The oldest customer of this entity.

        Stripe's search runs up to a minute behind, so "none" may be untrue right after a create whose answer was lost.
        With `created_since` (when that create was first sent) the customers made since then are also listed, and a list
        is never behind.
        """
        found = await self._search(entity_id)
        if not found and created_since is not None:
            found = await self._created_since(entity_id, created_since)
        return found[-1] if found else None

    async def get_customer(self, *, customer_id: str) -> StripeCustomer:
        return await self._api.call(
            "get_customer", self._api.sdk.customers.retrieve_async(customer_id), StripeCustomer.read
        )

    def pages_of_customers(self) -> AsyncIterator[list[StripeCustomer]]:
        """Everybody in the account, newest first, a page at a time; also who was not made by us."""

        async def fetch(cursor: str | None) -> stripe.ListObject[stripe.Customer]:
            params: CustomerListParams = {"limit": PAGE_SIZE}
            if cursor:
                params["starting_after"] = cursor
            return await self._api.sdk.customers.list_async(params)

        return self._api.pages("list_customers", fetch, StripeCustomer.read)

    async def delete_customer(self, *, customer_id: str) -> StripeCustomer:
        """Stripe takes no idempotency key on DELETE: a second one is `NotFound`."""
        return await self._api.call(
            "delete_customer", self._api.sdk.customers.delete_async(customer_id), StripeCustomer.read
        )

    async def update_customer(
        self,
        *,
        customer_id: str,
        entity_id: str,
        name: str,
        email: str,
        metadata: Mapping[str, str | None],
        idempotency_key: str,
    ) -> StripeCustomer:
        """`metadata` is merged, a None inside it removes that key."""
        merged = {key: value or "" for key, value in metadata.items()} | {"entity_id": entity_id}
        return await self._api.call(
            "update_customer",
            self._api.sdk.customers.update_async(
                customer_id,
                {"name": name, "email": email, "metadata": merged},
                {"idempotency_key": idempotency_key},
            ),
            StripeCustomer.read,
        )

    async def set_default_payment_method(
        self, *, customer_id: str, payment_method_id: str, idempotency_key: str
    ) -> StripeCustomer:
        return await self._api.call(
            "set_default_payment_method",
            self._api.sdk.customers.update_async(
                customer_id,
                {"invoice_settings": {"default_payment_method": payment_method_id}},
                {"idempotency_key": idempotency_key},
            ),
            StripeCustomer.read,
        )

    async def _search(self, entity_id: str) -> list[StripeCustomer]:
        quoted = entity_id.replace("\\", "\\\\").replace("'", "\\'")
        found = await self._api.one_page(
            "find_customer",
            self._api.sdk.customers.search_async({"query": f"metadata['entity_id']:'{quoted}'", "limit": PAGE_SIZE}),
            StripeCustomer.read,
        )
        return _of_entity(found, entity_id)

    async def _created_since(self, entity_id: str, created_since: datetime) -> list[StripeCustomer]:
        async def fetch(cursor: str | None) -> stripe.ListObject[stripe.Customer]:
            params: CustomerListParams = {"created": {"gte": int(created_since.timestamp())}, "limit": PAGE_SIZE}
            if cursor:
                params["starting_after"] = cursor
            return await self._api.sdk.customers.list_async(params)

        return _of_entity(await self._api.all_pages("find_customer", fetch, StripeCustomer.read), entity_id)


def _of_entity(customers: list[StripeCustomer], entity_id: str) -> list[StripeCustomer]:
    return [customer for customer in customers if customer.entity_id == entity_id and not customer.deleted]
