"""Why somebody is not let in."""


class NotAdmitted(Exception):  # noqa: N818  named for what happened, as all our errors
    """No credentials, or none that are good. Never says which part of them is wrong: only a thief would learn by it."""

    def __init__(self, sentence: str = "These credentials are not good, or not any more.") -> None:
        super().__init__(sentence)


class NoCredentials(NotAdmitted):
    def __init__(self) -> None:
        super().__init__("Say who you are: Authorization: Bearer <API key or customer token>.")
