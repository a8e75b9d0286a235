"""Where a provider holds something else of a customer than we do: shown to whoever looks, and left to a person.

Name and e-mail are ours to say. What differs is named, its values never: they are personal data.
"""

from collections.abc import Set as AbstractSet
from datetime import datetime

from models import Customer, CustomerDrift, DriftKind, Provider
from operations.activity import record

_BEGINS = {
    DriftKind.NAME: "holds another name than we do",
    DriftKind.EMAIL: "holds another e-mail address than we do",
    DriftKind.DELETED: "has deleted the customer, nothing was deleted here",
}
_ENDS = {
    DriftKind.NAME: "holds our name again",
    DriftKind.EMAIL: "holds our e-mail address again",
    DriftKind.DELETED: "has the customer again",
}


def drift(customer: Customer, *, name: str | None, email: str | None) -> frozenset[DriftKind]:
    differs = {DriftKind.NAME: name != customer.name, DriftKind.EMAIL: email != customer.email}
    return frozenset(kind for kind, is_other in differs.items() if is_other)


async def note(customer: Customer, provider: Provider, found: AbstractSet[DriftKind], at: datetime) -> None:
    """This is all that differs now; what differed before and does no longer is over. Called within a transaction."""
    await Customer.filter(id=customer.id).select_for_update().get()
    noted = {row.kind for row in await CustomerDrift.filter(customer_id=customer.id, provider=provider)}
    for kind in sorted(found - noted):
        await CustomerDrift.create(customer_id=customer.id, provider=provider, kind=kind, since=at)
        await _tell("customer.drifted", customer, provider, kind, _BEGINS[kind], at)
    for kind in sorted(noted - found):
        await CustomerDrift.filter(customer_id=customer.id, provider=provider, kind=kind).delete()
        await _tell("customer.drift_ended", customer, provider, kind, _ENDS[kind], at)


async def _tell(
    event: str, customer: Customer, provider: Provider, kind: DriftKind, sentence: str, at: datetime
) -> None:
    await record(
        event,
        f"{provider.capitalize()} {sentence}",
        at=at,
        customer=customer,
        data={"provider": provider.value, "kind": kind.value},
    )
