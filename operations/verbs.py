"""Every kind of operation, and the steps it is made of."""

from models import OperationKind
from operations import cancel, change_tier, end, onboard, reactivate, renew, settle_payment, withdraw_change
from operations.engine import Verbs

VERBS: Verbs = {
    OperationKind.ONBOARD: onboard.STEPS,
    OperationKind.CHANGE_TIER: change_tier.STEPS,
    OperationKind.SCHEDULE_CHANGE: change_tier.SCHEDULE_STEPS,
    OperationKind.WITHDRAW_CHANGE: withdraw_change.STEPS,
    OperationKind.CANCEL: cancel.STEPS,
    OperationKind.REACTIVATE: reactivate.STEPS,
    OperationKind.RENEW: renew.STEPS,
    OperationKind.END: end.STEPS,
    OperationKind.SETTLE_PAYMENT: settle_payment.STEPS,
}
