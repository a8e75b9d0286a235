"""What the API refuses.

ApiError              a status, a code, and the field it is about
+-- NotFound          404
+-- UniquenessKeyUsed 409, and the object that holds the key is not told
+-- IllegalState      409, nothing changed
"""


class ApiError(Exception):
    status = 400
    code = "InvalidRequest"

    def __init__(self, message: str, *, field: str | None = None) -> None:
        super().__init__(message)
        self.message = message
        self.field = field


class NotFound(ApiError):  # noqa: N818 - the tree above says what it is
    status = 404
    code = "NotFound"

    def __init__(self, noun: str, *, field: str | None = None) -> None:
        super().__init__(f"There is no such {noun}.", field=field)


class UniquenessKeyUsed(ApiError):  # noqa: N818 - as above
    status = 409
    code = "UniquenessKeyUsed"

    def __init__(self, *, field: str) -> None:
        super().__init__("This uniqueness key has already been used.", field=field)


class IllegalState(ApiError):  # noqa: N818 - as above
    status = 409
    code = "IllegalState"
