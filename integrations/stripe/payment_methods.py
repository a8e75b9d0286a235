from collections.abc import Mapping

import stripe
from stripe.params import CustomerPaymentMethodListParams

from integrations.stripe.api import PAGE_SIZE, StripeApi
from integrations.stripe.types import PaymentMethod, SetupIntent


class PaymentMethodCalls:
    _api: StripeApi

    async def attach_payment_method(
        self, *, payment_method_id: str, customer_id: str, idempotency_key: str
    ) -> PaymentMethod:
        """May be `Declined`: the issuer is asked when a card is attached."""
        return await self._api.call(
            "attach_payment_method",
            self._api.sdk.payment_methods.attach_async(
                payment_method_id, {"customer": customer_id}, {"idempotency_key": idempotency_key}
            ),
            PaymentMethod.read,
        )

    async def detach_payment_method(self, *, payment_method_id: str, idempotency_key: str) -> PaymentMethod:
        """For good: Stripe never lets a detached method be attached again."""
        return await self._api.call(
            "detach_payment_method",
            self._api.sdk.payment_methods.detach_async(payment_method_id, options={"idempotency_key": idempotency_key}),
            PaymentMethod.read,
        )

    async def get_payment_method(self, *, payment_method_id: str) -> PaymentMethod:
        return await self._api.call(
            "get_payment_method",
            self._api.sdk.payment_methods.retrieve_async(payment_method_id),
            PaymentMethod.read,
        )

    async def list_payment_methods(self, *, customer_id: str) -> tuple[PaymentMethod, ...]:
        """Newest first."""

        async def fetch(cursor: str | None) -> stripe.ListObject[stripe.PaymentMethod]:
            params: CustomerPaymentMethodListParams = {"limit": PAGE_SIZE}
            if cursor:
                params["starting_after"] = cursor
            return await self._api.sdk.customers.payment_methods.list_async(customer_id, params)

        return tuple(await self._api.all_pages("list_payment_methods", fetch, PaymentMethod.read))

    async def get_setup_intent(self, *, setup_intent_id: str) -> SetupIntent:
        return await self._api.call(
            "get_setup_intent", self._api.sdk.setup_intents.retrieve_async(setup_intent_id), SetupIntent.read
        )

    async def create_setup_intent(
        self, *, customer_id: str, metadata: Mapping[str, str], idempotency_key: str
    ) -> SetupIntent:
        """For a browser to add a card with, which may later be charged without its owner present."""
        return await self._api.call(
            "create_setup_intent",
            self._api.sdk.setup_intents.create_async(
                {
                    "customer": customer_id,
                    "usage": "off_session",
                    "automatic_payment_methods": {"enabled": True, "allow_redirects": "never"},
                    "metadata": dict(metadata),
                },
                {"idempotency_key": idempotency_key},
            ),
            SetupIntent.read,
        )
