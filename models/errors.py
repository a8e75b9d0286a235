"""What can be wrong with the database itself.

ValueError
└── InvalidDatabaseUrl     the URL cannot be meant like this: correct the configuration
Exception
└── DatabaseUnavailable    the database cannot be used as it is: the sentence says what to change
"""


class InvalidDatabaseUrl(ValueError):  # noqa: N818 - named for what is wrong, as all our errors
    """Never carries the URL's password."""


class DatabaseUnavailable(Exception):  # noqa: N818 - same
    """Not reachable, not writable, or not set up the way the service relies on."""
