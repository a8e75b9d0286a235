"""Everything the sandbox knows, and the few rules that concern more than one object."""

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime
from typing import TypeVar

from mock_kit.clock import Clock
from mock_kit.ids import Ids
from mock_metronome.agenda import Agenda, Appointment, Task
from mock_metronome.errors import IllegalState, NotFound, UniquenessKeyUsed
from mock_metronome.events import Event, EventLog
from mock_metronome.objects import Contract, Credit, Customer, Invoice

MOST_CUSTOMERS = 10_000
MOST_OBJECTS = 100_000

Thing = TypeVar("Thing")


@dataclass(frozen=True, slots=True)
class BooksState:
    customers: dict[str, Customer]
    contracts: dict[str, Contract]
    invoices: dict[str, Invoice]
    credits: dict[str, Credit]
    credits_of: dict[str, list[str]]
    contracts_of: dict[str, list[str]]
    entity_ids: set[str]
    used_keys: set[tuple[str, str]]
    appointments: list[Appointment]
    events: dict[str, Event]


@dataclass(slots=True)
class Books:
    """Dictionaries keep the order of creation, which is the order of every list."""

    clock: Clock
    ids: Ids
    events: EventLog
    most_objects: int = MOST_OBJECTS
    """Of each kind but customers."""
    agenda: Agenda = field(default_factory=Agenda)
    customers: dict[str, Customer] = field(default_factory=dict)
    contracts: dict[str, Contract] = field(default_factory=dict)
    invoices: dict[str, Invoice] = field(default_factory=dict)
    credits: dict[str, Credit] = field(default_factory=dict)
    credits_of: dict[str, list[str]] = field(default_factory=dict)
    """The unspent credits of each customer, oldest first."""
    contracts_of: dict[str, list[str]] = field(default_factory=dict)
    entity_ids: set[str] = field(default_factory=set)
    used_keys: set[tuple[str, str]] = field(default_factory=set)

    def clear(self) -> None:
        for shelf in (self.customers, self.contracts, self.invoices, self.credits, self.credits_of, self.contracts_of):
            shelf.clear()
        self.entity_ids.clear()
        self.used_keys.clear()
        self.agenda.clear()
        self.events.clear()

    @property
    def state(self) -> BooksState:
        """The shelves themselves, not copies: to be written down before anything else happens."""
        return BooksState(
            customers=self.customers,
            contracts=self.contracts,
            invoices=self.invoices,
            credits=self.credits,
            credits_of=self.credits_of,
            contracts_of=self.contracts_of,
            entity_ids=self.entity_ids,
            used_keys=self.used_keys,
            appointments=self.agenda.state,
            events=self.events.state,
        )

    def restore(self, state: BooksState) -> None:
        self.customers = state.customers
        self.contracts = state.contracts
        self.invoices = state.invoices
        self.credits = state.credits
        self.credits_of = state.credits_of
        self.contracts_of = state.contracts_of
        self.entity_ids = state.entity_ids
        self.used_keys = state.used_keys
        self.agenda.restore(state.appointments)
        self.events.restore(state.events)

    def counts(self) -> dict[str, int]:
        return {
            "customers": len(self.customers),
            "contracts": len(self.contracts),
            "invoices": len(self.invoices),
            "credits": len(self.credits),
            "events": len(self.events),
        }

    def objects(self) -> dict[str, list[object]]:
        return {
            "customers": list(self.customers.values()),
            "contracts": list(self.contracts.values()),
            "invoices": list(self.invoices.values()),
            "credits": list(self.credits.values()),
        }

    def refuse_used_key(self, kind: str, key: str | None) -> None:
        """Before any rule about state: whoever repeats a request must learn that it was done, not that it clashes."""
        if key is not None and (kind, key) in self.used_keys:
            raise UniquenessKeyUsed(field="uniqueness_key")

    def use_key(self, kind: str, key: str | None) -> None:
        """Keys are held for ever, per type of resource."""
        if key is not None:
            self.used_keys.add((kind, key))

    def customer_for(self, customer_id: str) -> Customer:
        return find(self.customers, customer_id, noun="customer", field="customer_id")

    def contract_for(self, contract_id: str, *, customer_id: str, field: str = "contract_id") -> Contract:
        contract = find(self.contracts, contract_id, noun="contract", field=field)
        if contract.customer_id != customer_id:
            raise NotFound("contract", field=field)
        return contract

    # Contracts

    def save_contract(
        self, contract: Contract, *, event: str, at: datetime, extra: Mapping[str, object] | None = None
    ) -> Contract:
        contract = self.contracts[contract.id] = replace(contract, updated_at=at)
        data = {**contract.report(now=at), **(extra or {})}
        self.events.emit(event, customer_id=contract.customer_id, data=data, at=at)
        return contract

    # Invoices

    def save_invoice(
        self, invoice: Invoice, *, event: str | None, at: datetime, extra: Mapping[str, object] | None = None
    ) -> Invoice:
        invoice = self.invoices[invoice.id] = replace(invoice, updated_at=at)
        if event:
            data = {**invoice.report(), **(extra or {})}
            self.events.emit(event, customer_id=invoice.customer_id, data=data, at=at)
        return invoice

    # Credits

    def apply_credit(self, credit: Credit, *, at: datetime) -> Credit:
        self.credits[credit.id] = credit
        if credit.balance:
            self.credits_of.setdefault(credit.customer_id, []).append(credit.id)
        if credit.expires_at:
            self.agenda.put(Task.EXPIRE, credit.id, due=credit.expires_at)
        self.events.emit("credit.applied", customer_id=credit.customer_id, data=credit.report(), at=at)
        return credit

    def unspent(self, customer_id: str, *, currency: str) -> list[Credit]:
        """Soonest expiring first, what never expires last."""
        credits_ = [self.credits[credit_id] for credit_id in self.credits_of.get(customer_id, [])]
        same = [credit for credit in credits_ if credit.currency == currency]
        return sorted(same, key=lambda credit: (credit.expires_at is None, credit.expires_at or credit.created_at))

    def balance(self, customer_id: str, *, currency: str) -> int:
        return sum(credit.balance for credit in self.unspent(customer_id, currency=currency))

    def spend(self, customer_id: str, *, amount: int, currency: str, contract_id: str | None = None) -> None:
        """All of it, or IllegalState and nothing. With `contract_id`: of that contract's allowance only."""
        unspent = self.unspent(customer_id, currency=currency)
        if contract_id is not None:
            unspent = [credit for credit in unspent if credit.contract_id == contract_id]
        balance = sum(credit.balance for credit in unspent)
        if amount > balance:
            raise IllegalState(f"The balance is {balance}, which is less than {amount}.", field="amount")
        for credit in unspent:
            taken = min(amount, credit.balance)
            amount -= taken
            self._set_balance(credit, credit.balance - taken)

    def expire(self, credit: Credit, *, at: datetime) -> None:
        if credit.expired_at:
            return
        self.agenda.cancel(Task.EXPIRE, credit.id)
        self._set_balance(replace(credit, expired_at=at, expired_amount=credit.balance), 0)
        data = self.credits[credit.id].report()
        self.events.emit("credit.expired", customer_id=credit.customer_id, data=data, at=at)

    def allowance(self, contract_id: str) -> list[Credit]:
        """What was granted under the contract and has not expired, spent or not."""
        return [
            credit
            for credit in self.credits.values()
            if credit.contract_id == contract_id and credit.expires_at and not credit.expired_at
        ]

    def move_credit(self, credit: Credit, *, contract_id: str, expires_at: datetime) -> None:
        self.credits[credit.id] = replace(credit, contract_id=contract_id, expires_at=expires_at)
        self.agenda.put(Task.EXPIRE, credit.id, due=expires_at)

    def _set_balance(self, credit: Credit, balance: int) -> None:
        self.credits[credit.id] = replace(credit, balance=balance)
        unspent = self.credits_of.get(credit.customer_id, [])
        if not balance and credit.id in unspent:
            unspent.remove(credit.id)


def find(shelf: Mapping[str, Thing], object_id: str, *, noun: str, field: str | None = None) -> Thing:
    thing = shelf.get(object_id)
    if thing is None:
        raise NotFound(noun, field=field)
    return thing


def refuse_when_full(shelf: Mapping[str, object], *, most: int, noun: str) -> None:
    if len(shelf) >= most:
        raise IllegalState(f"The sandbox holds at most {most} {noun}; POST /_mock/reset empties it.")
