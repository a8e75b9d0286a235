from mock_stripe.errors import ParameterError
from mock_stripe.params import Params

MOST_KEYS = 50
LONGEST_KEY = 40
LONGEST_VALUE = 500


def merge_metadata(current: dict[str, str], params: Params) -> dict[str, str]:
    """Given keys are set, keys given as '' removed, and `metadata=''` removes all."""
    if not params.given("metadata"):
        return current
    given = params.hash("metadata").values
    if not given:
        return {}
    merged = current | {key: str(value) for key, value in given.items()}
    kept = {key: value for key, value in merged.items() if value != ""}
    _check(kept)
    return kept


def _check(metadata: dict[str, str]) -> None:
    if len(metadata) > MOST_KEYS:
        raise ParameterError(f"You can only have up to {MOST_KEYS} metadata keys.", param="metadata")
    for key, value in metadata.items():
        if len(key) > LONGEST_KEY or "[" in key or "]" in key:
            raise ParameterError(
                f"Metadata keys can have up to {LONGEST_KEY} characters and no square brackets. "
                f"The key `{key}` is not one.",
                param="metadata",
            )
        if len(value) > LONGEST_VALUE:
            raise ParameterError(
                f"Metadata values can have up to {LONGEST_VALUE} characters, but you passed in a value that is "
                f"{len(value)} characters. Invalid value: {value[:20]}...",
                param=f"metadata[{key}]",
            )
