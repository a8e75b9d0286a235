"""Every kind of operation, and the steps it is made of."""

from models import OperationKind
from operations import (
    cancel,
    change_tier,
    collect_invoice,
    end,
    grant_credits,
    onboard,
    payment_methods,
    reactivate,
    refund,
    renew,
    schedule_change,
    settle_payment,
    withdraw_change,
)
from operations.engine import Verbs

VERBS: Verbs = {
    OperationKind.ONBOARD: onboard.STEPS,
    OperationKind.CHANGE_TIER: change_tier.STEPS,
    OperationKind.SCHEDULE_CHANGE: schedule_change.STEPS,
    OperationKind.WITHDRAW_CHANGE: withdraw_change.STEPS,
    OperationKind.CANCEL: cancel.STEPS,
    OperationKind.REACTIVATE: reactivate.STEPS,
    OperationKind.RENEW: renew.STEPS,
    OperationKind.END: end.STEPS,
    OperationKind.COLLECT: collect_invoice.STEPS,
    OperationKind.SETTLE_PAYMENT: settle_payment.STEPS,
    OperationKind.REFUND: refund.STEPS,
    OperationKind.GRANT_CREDITS: grant_credits.STEPS,
    OperationKind.ATTACH_PAYMENT_METHOD: payment_methods.ATTACH,
    OperationKind.SET_DEFAULT_PAYMENT_METHOD: payment_methods.SET_DEFAULT,
    OperationKind.DETACH_PAYMENT_METHOD: payment_methods.DETACH,
    OperationKind.CREATE_SETUP_INTENT: payment_methods.SETUP,
}
