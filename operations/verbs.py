"""Every kind of operation, and the steps it is made of."""

from models import OperationKind
from operations import onboard, settle_payment
from operations.engine import Verbs

VERBS: Verbs = {
    OperationKind.ONBOARD: onboard.STEPS,
    OperationKind.SETTLE_PAYMENT: settle_payment.STEPS,
}
