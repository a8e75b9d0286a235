"""What happens by itself as time passes: contracts start, renew and end, credits expire and are granted."""

from dataclasses import replace
from datetime import datetime, timedelta

from mock_metronome.agenda import Appointment, Task
from mock_metronome.books import Books
from mock_metronome.objects import Contract, ContractStatus, Credit, Invoice, InvoiceStatus, LineItem
from mock_metronome.periods import Period

PAYMENT_TERM = timedelta(days=30)


def catch_up(books: Books) -> bool:
    """Do all that is due, in time order, each at its own instant. False when nothing is."""
    now, done = books.clock.now(), False
    while appointment := books.agenda.take(now=now):
        _keep(books, appointment)
        done = True
    return done


def schedule(books: Books, contract: Contract, *, now: datetime) -> None:
    """From the boundary after `now` on; the period and credit month under way are the caller's."""
    if contract.status is ContractStatus.PENDING:
        books.agenda.put(Task.START, contract.id, due=contract.start_date)
    books.agenda.put(Task.RENEW, contract.id, due=contract.period_at(now).end)
    books.agenda.put(Task.GRANT, contract.id, due=contract.credit_month_at(now).end)
    schedule_end(books, contract)


def schedule_end(books: Books, contract: Contract) -> None:
    if contract.end_date:
        books.agenda.put(Task.END, contract.id, due=contract.end_date)
    else:
        books.agenda.cancel(Task.END, contract.id)


def end(books: Books, contract: Contract, *, at: datetime) -> Contract:
    """Its allowance ends with it."""
    _forget(books, contract)
    status = ContractStatus.CANCELLED if contract.cancelled_at else ContractStatus.EXPIRED
    event = "contract.cancelled" if contract.cancelled_at else "contract.updated"
    ended = books.save_contract(replace(contract, status=status), event=event, at=at)
    for credit_id in list(books.credits_of.get(contract.customer_id, [])):
        credit = books.credits[credit_id]
        if credit.contract_id == contract.id:
            books.expire(credit, at=at)
    return ended


def replace_contract(books: Books, contract: Contract, *, successor: Contract, at: datetime) -> None:
    """It ends where its successor starts, and its allowance goes on under the successor."""
    _forget(books, contract)
    month_end, next_month_end = contract.credit_month_at(at).end, successor.credit_month_at(at).end
    ended = replace(contract, status=ContractStatus.CANCELLED, end_date=successor.start_date, cancelled_at=at)
    books.save_contract(ended, event="contract.cancelled", at=at, extra={"replaced_by": successor.id})
    for credit in books.allowance(contract.id):
        assert credit.expires_at
        expires_at = next_month_end if credit.expires_at == month_end else min(credit.expires_at, next_month_end)
        books.move_credit(credit, contract_id=successor.id, expires_at=expires_at)


def _forget(books: Books, contract: Contract) -> None:
    for task in (Task.START, Task.RENEW, Task.GRANT, Task.END):
        books.agenda.cancel(task, contract.id)


def _keep(books: Books, appointment: Appointment) -> None:
    at = appointment.due
    match appointment.task:
        case Task.START:
            contract = books.contracts[appointment.object_id]
            books.save_contract(replace(contract, status=ContractStatus.ACTIVE), event="contract.updated", at=at)
        case Task.RENEW:
            _renew(books, books.contracts[appointment.object_id], at=at)
        case Task.EXPIRE:
            books.expire(books.credits[appointment.object_id], at=at)
        case Task.GRANT:
            _grant(books, books.contracts[appointment.object_id], at=at)
        case Task.END:
            end(books, books.contracts[appointment.object_id], at=at)


def _renew(books: Books, contract: Contract, *, at: datetime) -> None:
    period = contract.period_at(at)
    contract = books.save_contract(contract, event="contract.updated", at=at)
    books.agenda.put(Task.RENEW, contract.id, due=period.end)
    if contract.terms.price_minor:
        invoice = _renewal_invoice(books, contract, period)
        books.save_invoice(invoice, event="invoice.created", at=at)


def _renewal_invoice(books: Books, contract: Contract, period: Period) -> Invoice:
    start, end_ = f"{period.start:%Y-%m-%d}", f"{period.end:%Y-%m-%d}"
    key = f"renewal:{contract.id}:{start}"
    books.used_keys.add(("invoice", key))
    line = LineItem(
        id=books.ids.uuid(),
        description=f"{contract.tier.capitalize()}, {contract.billing_period}, {start} to {end_}",
        quantity=1,
        unit_price_minor=contract.terms.price_minor,
    )
    return Invoice(
        id=books.ids.uuid(),
        customer_id=contract.customer_id,
        contract_id=contract.id,
        currency=contract.terms.currency,
        status=InvoiceStatus.OPEN,
        due_date=period.start + PAYMENT_TERM,
        line_items=(line,),
        period=period,
        uniqueness_key=key,
        created_at=period.start,
        updated_at=period.start,
    )


def _grant(books: Books, contract: Contract, *, at: datetime) -> None:
    month = contract.credit_month_at(at)
    books.agenda.put(Task.GRANT, contract.id, due=month.end)
    amount = contract.terms.credits_per_month
    if not amount:
        return
    key = f"allowance:{contract.id}:{month.start:%Y-%m-%d}"
    books.used_keys.add(("credit", key))
    credit = Credit(
        id=books.ids.uuid(),
        customer_id=contract.customer_id,
        contract_id=contract.id,
        amount=amount,
        balance=amount,
        currency="credits",
        expires_at=month.end,
        expired_at=None,
        reason="Monthly allowance",
        uniqueness_key=key,
        created_at=at,
    )
    books.apply_credit(credit, at=at)
