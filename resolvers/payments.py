"""Paying, confirming, refunding, and going on with what waits for a payer."""

import models
from billing.errors import InvalidInput
from billing.money import Money
from operations import collect_invoice, parked, refund
from operations import confirm_payment as confirming
from resolvers.pages import one
from resolvers.running import answer, means, named
from schema.context import Info
from schema.types.money import MoneyInput
from schema.types.payment import Refund
from schema.types.payment_inputs import (
    ConfirmPaymentInput,
    ConfirmPaymentPayload,
    PayInvoiceInput,
    PayInvoicePayload,
    RefundPaymentInput,
    RefundPaymentPayload,
    ResumeOperationInput,
    ResumeOperationPayload,
)


async def pay_invoice(info: Info, input: PayInvoiceInput) -> PayInvoicePayload:  # noqa: A002  its name in the schema
    method_id = input.payment_method_id
    return await answer(
        PayInvoicePayload,
        collect_invoice.pay_invoice(
            named(input.invoice_id),
            None if method_id is None else named(method_id),
            idempotency_key=input.idempotency_key,
            **means(info),
        ),
    )


async def confirm_payment(info: Info, input: ConfirmPaymentInput) -> ConfirmPaymentPayload:  # noqa: A002  same
    return await answer(
        ConfirmPaymentPayload,
        confirming.confirm_payment(named(input.payment_id), idempotency_key=input.idempotency_key, **means(info)),
    )


async def refund_payment(info: Info, input: RefundPaymentInput) -> RefundPaymentPayload:  # noqa: A002  same
    payload = await answer(RefundPaymentPayload, _refund(info, input))
    if payload.operation is not None:
        payload.refund = await _refund_of(payload.operation.id)
    return payload


async def _refund(info: Info, given: RefundPaymentInput) -> str:
    return await refund.refund_payment(
        named(given.payment_id),
        _amount(given.amount),
        given.reason,
        idempotency_key=given.idempotency_key,
        **means(info),
    )


def _amount(given: MoneyInput | None) -> Money | None:
    if given is None:
        return None
    try:
        return Money(given.minor_units, given.currency)
    except InvalidInput as problem:
        raise InvalidInput("amount.currency", problem.sentence) from None


async def _refund_of(operation_id: str) -> Refund | None:
    operation = await models.Operation.get(id=operation_id)
    row = await one(models.Refund.filter(id=operation.input["refund_id"]), Refund.COLUMNS)
    return Refund.from_row(row) if row else None


async def resume_operation(info: Info, input: ResumeOperationInput) -> ResumeOperationPayload:  # noqa: A002  same
    return await answer(
        ResumeOperationPayload,
        parked.resume_operation(named(input.operation_id), idempotency_key=input.idempotency_key, **means(info)),
    )
