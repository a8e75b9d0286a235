"""Every kind of operation, and the steps it is made of."""

from models import OperationKind
from operations import onboard
from operations.engine import Verbs

VERBS: Verbs = {OperationKind.ONBOARD: onboard.STEPS}
