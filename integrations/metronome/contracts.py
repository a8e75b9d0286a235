from datetime import date

from billing.money import Money
from billing.tiers import BillingPeriod, Tier
from integrations.metronome.api import MetronomeApi, present, segment, timestamp
from integrations.metronome.types import Contract

PATH = "/api/v1/contracts"


class ContractCalls:
    _api: MetronomeApi

    async def create_contract(
        self,
        *,
        customer_id: str,
        tier: Tier,
        billing_period: BillingPeriod,
        start_date: date,
        billing_anchor_date: date,
        price: Money | None,
        credits_per_month: int | None,
        uniqueness_key: str,
        idempotency_key: str,
        credit_anchor_date: date | None = None,
        replaces_contract_id: str | None = None,
    ) -> Contract:
        """Dates at UTC midnight. `price` and `credits_per_month` are needed for ENTERPRISE, refused otherwise.

        Credit months are counted from `credit_anchor_date`, else from the billing anchor. A replaced contract ends
        where this one starts, in the same call, and its allowance moves over.
        """
        body = present(
            customer_id=customer_id,
            tier=tier.value.lower(),
            billing_period=billing_period.value.lower(),
            start_date=timestamp(start_date),
            billing_anchor_date=timestamp(billing_anchor_date),
            price=price.minor_units if price else None,
            currency=price.currency if price else None,
            credits_per_month=credits_per_month,
            credit_anchor_date=timestamp(credit_anchor_date) if credit_anchor_date else None,
            replaces_contract_id=replaces_contract_id,
            uniqueness_key=uniqueness_key,
        )
        return await self._api.write("create_contract", PATH, Contract.read, body=body, idempotency_key=idempotency_key)

    async def find_contract(self, *, customer_id: str, uniqueness_key: str) -> Contract | None:
        return await self._api.find(
            "find_contract", PATH, Contract.read, customer_id=customer_id, uniqueness_key=uniqueness_key
        )

    async def get_contract(self, *, contract_id: str) -> Contract:
        return await self._api.get("get_contract", f"{PATH}/{segment(contract_id)}", Contract.read)

    async def list_contracts(self, *, customer_id: str) -> tuple[Contract, ...]:
        return await self._api.get_all("list_contracts", PATH, Contract.read, customer_id=customer_id)

    async def cancel_contract(self, *, contract_id: str, effective_date: date | None, idempotency_key: str) -> Contract:
        """None: at once. A future date: active until then. Cancelling a cancelled contract answers it unchanged."""
        return await self._api.write(
            "cancel_contract",
            f"{PATH}/{segment(contract_id)}/cancel",
            Contract.read,
            body=present(effective_date=timestamp(effective_date) if effective_date else None),
            idempotency_key=idempotency_key,
        )

    async def set_contract_end(self, *, contract_id: str, end_date: date | None, idempotency_key: str) -> Contract:
        """None lifts a scheduled end, while it has not come."""
        return await self._api.write(
            "set_contract_end",
            f"{PATH}/{segment(contract_id)}",
            Contract.read,
            method="PATCH",
            body={"end_date": timestamp(end_date) if end_date else None},
            idempotency_key=idempotency_key,
        )
