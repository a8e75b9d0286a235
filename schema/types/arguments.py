"""Arguments that several fields take, described once."""

from typing import Annotated

import strawberry

EntityId = Annotated[str, strawberry.argument(description="The customer, by your own id.")]
