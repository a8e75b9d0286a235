from datetime import date

from integrations.metronome.api import MetronomeApi, present, timestamp
from integrations.metronome.types import Credit, CreditBalance

PATH = "/api/v1/credits"


class CreditCalls:
    _api: MetronomeApi

    async def create_credit(
        self,
        *,
        customer_id: str,
        contract_id: str | None,
        amount: int,
        expires_at: date | None,
        reason: str,
        uniqueness_key: str,
        idempotency_key: str,
    ) -> Credit:
        """Negative: takes from what is unspent. With `contract_id`: that contract's allowance, which ends with it."""
        body = present(
            customer_id=customer_id,
            contract_id=contract_id,
            amount=amount,
            expires_at=timestamp(expires_at) if expires_at else None,
            reason=reason,
            uniqueness_key=uniqueness_key,
        )
        return await self._api.write("create_credit", PATH, Credit.read, body=body, idempotency_key=idempotency_key)

    async def find_credit(self, *, customer_id: str, uniqueness_key: str) -> Credit | None:
        return await self._api.find(
            "find_credit", PATH, Credit.read, customer_id=customer_id, uniqueness_key=uniqueness_key
        )

    async def list_credits(self, *, customer_id: str, contract_id: str | None = None) -> tuple[Credit, ...]:
        return await self._api.get_all(
            "list_credits", PATH, Credit.read, customer_id=customer_id, contract_id=contract_id
        )

    async def balance(self, *, customer_id: str) -> CreditBalance:
        return await self._api.get("balance", f"{PATH}/balance", CreditBalance.read, customer_id=customer_id)
