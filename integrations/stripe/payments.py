from collections.abc import Mapping

import stripe
from stripe.params import (
    ChargeListParams,
    PaymentIntentConfirmParams,
    PaymentIntentCreateParams,
    PaymentIntentListParams,
    RefundListParams,
)

from billing.money import Money
from integrations.stripe.api import PAGE_SIZE, StripeApi
from integrations.stripe.types import Charge, PaymentIntent, Refund


class PaymentCalls:
    _api: StripeApi

    async def create_payment_intent(
        self,
        *,
        customer_id: str,
        amount: Money,
        payment_method_id: str,
        metadata: Mapping[str, str],
        idempotency_key: str,
        off_session: bool = False,
    ) -> PaymentIntent:
        """Charges at once. May be `Declined`; a payment that needs its owner is a status, REQUIRES_ACTION.

        Off session it is a decline instead, "authentication_required".
        """
        params: PaymentIntentCreateParams = {
            "customer": customer_id,
            "amount": amount.minor_units,
            "currency": amount.currency.lower(),
            "payment_method": payment_method_id,
            "confirm": True,
            # the API version we are pinned to refuses payment_method_types
            "automatic_payment_methods": {"enabled": True, "allow_redirects": "never"},
            "metadata": dict(metadata),
        }
        if off_session:
            params["off_session"] = True
        return await self._api.call(
            "create_payment_intent",
            self._api.sdk.payment_intents.create_async(params, {"idempotency_key": idempotency_key}),
            PaymentIntent.read,
        )

    async def confirm_payment_intent(
        self, *, payment_intent_id: str, payment_method_id: str | None, idempotency_key: str, off_session: bool = False
    ) -> PaymentIntent:
        """Tries again, with another payment method if one is given. May be `Declined`."""
        params: PaymentIntentConfirmParams = {}
        if payment_method_id is not None:
            params["payment_method"] = payment_method_id
        if off_session:
            params["off_session"] = True
        return await self._api.call(
            "confirm_payment_intent",
            self._api.sdk.payment_intents.confirm_async(
                payment_intent_id, params, {"idempotency_key": idempotency_key}
            ),
            PaymentIntent.read,
        )

    async def cancel_payment_intent(self, *, payment_intent_id: str, idempotency_key: str) -> PaymentIntent:
        """`Rejected` with code "payment_intent_unexpected_state" once it succeeded."""
        return await self._api.call(
            "cancel_payment_intent",
            self._api.sdk.payment_intents.cancel_async(payment_intent_id, options={"idempotency_key": idempotency_key}),
            PaymentIntent.read,
        )

    async def get_payment_intent(self, *, payment_intent_id: str) -> PaymentIntent:
        return await self._api.call(
            "get_payment_intent",
            self._api.sdk.payment_intents.retrieve_async(payment_intent_id),
            PaymentIntent.read,
        )

    async def find_payment_intents(
        self, *, customer_id: str, metadata_key: str, metadata_value: str
    ) -> tuple[PaymentIntent, ...]:
        """Newest first. By listing, which is never behind as Stripe's search is."""
        intents = await self.list_payment_intents(customer_id=customer_id)
        return tuple(intent for intent in intents if intent.metadata.get(metadata_key) == metadata_value)

    async def list_payment_intents(self, *, customer_id: str) -> tuple[PaymentIntent, ...]:
        """All of them, newest first, whoever made them."""

        async def fetch(cursor: str | None) -> stripe.ListObject[stripe.PaymentIntent]:
            params: PaymentIntentListParams = {"customer": customer_id, "limit": PAGE_SIZE}
            if cursor:
                params["starting_after"] = cursor
            return await self._api.sdk.payment_intents.list_async(params)

        return tuple(await self._api.all_pages("list_payment_intents", fetch, PaymentIntent.read))

    async def list_charges(self, *, customer_id: str) -> tuple[Charge, ...]:
        """All of them, newest first, whoever made them."""

        async def fetch(cursor: str | None) -> stripe.ListObject[stripe.Charge]:
            params: ChargeListParams = {"customer": customer_id, "limit": PAGE_SIZE}
            if cursor:
                params["starting_after"] = cursor
            return await self._api.sdk.charges.list_async(params)

        return tuple(await self._api.all_pages("list_charges", fetch, Charge.read))

    async def create_refund(
        self, *, payment_intent_id: str, amount: Money, metadata: Mapping[str, str], idempotency_key: str
    ) -> Refund:
        """In the payment's own currency, which Stripe does not ask for again."""
        return await self._api.call(
            "create_refund",
            self._api.sdk.refunds.create_async(
                {"payment_intent": payment_intent_id, "amount": amount.minor_units, "metadata": dict(metadata)},
                {"idempotency_key": idempotency_key},
            ),
            Refund.read,
        )

    async def list_refunds(self, *, payment_intent_id: str) -> tuple[Refund, ...]:
        """Newest first."""

        async def fetch(cursor: str | None) -> stripe.ListObject[stripe.Refund]:
            params: RefundListParams = {"payment_intent": payment_intent_id, "limit": PAGE_SIZE}
            if cursor:
                params["starting_after"] = cursor
            return await self._api.sdk.refunds.list_async(params)

        return tuple(await self._api.all_pages("list_refunds", fetch, Refund.read))
