"""What Stripe answers when it refuses.

    StripeError
      ParameterError               400, decided on the parameters alone: nothing ran, no key remembers it
      FullError                    400, likewise: the sandbox's own, Stripe has no such limit
      InvalidRequestError          400, decided by looking at the account: stored and replayed
        NoSuchObjectError          404
      CardError                    402
      UnauthorizedError            401, before the idempotency layer
      UnknownRouteError            404, likewise
      IdempotencyMismatchError     400, type idempotency_error
      IdempotencyInFlightError     409, type idempotency_error

The status chooses the exception class in Stripe's SDKs; the rest is read from the body.
"""

from collections.abc import Mapping

DOC_URL = "https://docs.stripe.com/error-codes/"


class StripeError(Exception):
    """One error body. `facts` are the members that only some errors have (decline_code, charge, payment_intent)."""

    status = 400
    kind = "invalid_request_error"
    stored = True
    """Whether the answer is kept under the idempotency key and replayed."""

    def __init__(
        self,
        message: str,
        *,
        code: str | None = None,
        param: str | None = None,
        facts: Mapping[str, object] | None = None,
    ) -> None:
        super().__init__(message)
        self.message = message
        self.code = code
        self.param = param
        self.facts = dict(facts or {})

    def body(self, *, request_id: str) -> dict[str, object]:
        members: dict[str, object] = {"message": self.message, "type": self.kind, **self.facts}
        if self.code:
            members |= {"code": self.code, "doc_url": DOC_URL + self.code.replace("_", "-")}
        if self.param:
            members["param"] = self.param
        members["request_log_url"] = f"https://dashboard.stripe.com/test/logs/{request_id}"
        return {"error": dict(sorted(members.items()))}


class ParameterError(StripeError):
    stored = False


class FullError(StripeError):
    stored = False

    def __init__(self, most: int, noun: str) -> None:
        super().__init__(f"The sandbox holds at most {most} objects of the kind {noun}; POST /_mock/reset empties it.")


class InvalidRequestError(StripeError):
    pass


class NoSuchObjectError(InvalidRequestError):
    status = 404

    def __init__(self, noun: str, object_id: str, *, param: str) -> None:
        super().__init__(f"No such {noun}: '{object_id}'", code="resource_missing", param=param)


class CardError(StripeError):
    status = 402
    kind = "card_error"


class UnauthorizedError(StripeError):
    status = 401
    stored = False


class UnknownRouteError(StripeError):
    status = 404
    stored = False

    def __init__(self, method: str, path: str) -> None:
        super().__init__(
            f"Unrecognized request URL ({method}: {path}). Please see https://stripe.com/docs or we can help at "
            "https://support.stripe.com/."
        )


class IdempotencyMismatchError(StripeError):
    kind = "idempotency_error"
    stored = False

    def __init__(self, key: str) -> None:
        super().__init__(
            "Keys for idempotent requests can only be used with the same parameters they were first used with. "
            f"Try using a key other than '{key}' if you meant to execute a different request."
        )


class IdempotencyInFlightError(StripeError):
    status = 409
    kind = "idempotency_error"
    stored = False

    def __init__(self, key: str) -> None:
        super().__init__(
            f"There is currently another in-progress request using this Idempotency Key ('{key}'). That probably means "
            "you submitted twice, and the other request is still going through.",
            code="idempotency_key_in_use",
        )
