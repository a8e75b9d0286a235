"""Every `extensions.code` a request can be answered with, each with the one line that documents it in the schema."""

from billing.described import Described


class RequestErrorCode(Described):
    BAD_REQUEST = "BAD_REQUEST", "It is no GraphQL request: the message says what is wrong with it."
    BODY_TOO_LARGE = "BODY_TOO_LARGE", "The body has more bytes than are read."
    BODY_TOO_SLOW = "BODY_TOO_SLOW", "The body did not arrive in time."
    HEADERS_TOO_LARGE = "HEADERS_TOO_LARGE", "The headers have more bytes than are read."
    NOT_FOUND = "NOT_FOUND", "There is nothing here."

    UNAUTHENTICATED = "UNAUTHENTICATED", "No credential was shown, or one that is not good, or not any longer."
    FORBIDDEN = "FORBIDDEN", "The credential is good, and not for this."
    RATE_LIMITED = "RATE_LIMITED", "The caller's allowance is used up; `retryAfterSeconds` says for how long."

    GRAPHQL_PARSE_FAILED = "GRAPHQL_PARSE_FAILED", "The document is not GraphQL."
    GRAPHQL_VALIDATION_FAILED = "GRAPHQL_VALIDATION_FAILED", "The document does not fit the schema."
    QUERY_TOO_COMPLEX = "QUERY_TOO_COMPLEX", "The document asks for too much; `limit` and `maximum` say what of."
    BAD_USER_INPUT = "BAD_USER_INPUT", "A variable or an argument has a value that cannot be."
    TOO_MANY_SUBSCRIPTIONS = "TOO_MANY_SUBSCRIPTIONS", "More operations than may run on one connection."

    EXECUTION_FAILED = "EXECUTION_FAILED", "A field could not be answered."
    TIMEOUT = "TIMEOUT", "It took too long. What a mutation has accepted goes on."
    TOO_SLOW = "TOO_SLOW", "A subscription's events were not taken in time: subscribe again, after the last cursor."
    STOPPING = "STOPPING", "The service is stopping: subscribe again, after the last cursor."
    INTERNAL = "INTERNAL", "A fault of ours; `correlationId` is what to quote."
