"""A sandbox of the part of Stripe's v1 API that a billing service needs, faithful enough for the official SDK."""
