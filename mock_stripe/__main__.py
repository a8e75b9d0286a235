"""`python -m mock_stripe --port 3002 --webhook-url http://127.0.0.1:3000/webhooks/stripe --webhook-secret whsec_x`."""

import argparse
import os
from collections.abc import Sequence

from mock_kit.serve import serve
from mock_stripe.app import create_app

DEFAULT_PORT = 3002


def main(arguments: Sequence[str] | None = None) -> int:
    options = _parser().parse_args(arguments)
    endpoints = ((options.webhook_url, options.webhook_secret),) if options.webhook_url else ()
    app = create_app(seed=options.seed, webhook_endpoints=endpoints, search_lag_seconds=options.search_lag_seconds)
    return serve(
        app, name="mock_stripe", host=options.host, port=options.port, port_setting="--port or MOCK_STRIPE_PORT"
    )


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="mock_stripe", description="A sandbox of Stripe's API, for loopback only.")
    parser.add_argument("--host", default="127.0.0.1")
    parser.add_argument("--port", type=int, default=os.environ.get("MOCK_STRIPE_PORT", DEFAULT_PORT))
    parser.add_argument("--webhook-url", help="send every event there")
    parser.add_argument("--webhook-secret", default="whsec_sandbox", help="the secret to sign with (%(default)s)")
    parser.add_argument("--search-lag-seconds", type=int, default=0, help="hide new objects from search for a while")
    parser.add_argument("--seed", type=int, help="repeatable ids")
    return parser


if __name__ == "__main__":
    raise SystemExit(main())
