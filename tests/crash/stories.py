"""The verbs that are put through the crash matrix. One more is one more entry in one of these."""

from tests.crash.payments import PAYMENTS
from tests.crash.plans import PLANS
from tests.crash.troubles import TROUBLES
from tests.crash.unasked import UNASKED

STORIES = {story.verb: story for story in (*PLANS, *PAYMENTS, *UNASKED, *TROUBLES)}
