from collections.abc import Callable, Mapping
from dataclasses import dataclass

from mock_stripe.account import Account
from mock_stripe.params import Params


@dataclass(frozen=True, slots=True)
class Call:
    """One request after routing and checking. `id` is the one in the path, empty on a collection."""

    params: Params
    path: str
    id: str = ""


Handler = Callable[[Account, Call], Mapping[str, object]]
