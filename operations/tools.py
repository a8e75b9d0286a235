"""What a step is handed to do its work with."""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime

from integrations.metronome.client import MetronomeClient
from integrations.stripe.client import StripePayments


@dataclass(frozen=True, slots=True)
class Tools:
    metronome: MetronomeClient
    stripe: StripePayments
    now: Callable[[], datetime]
