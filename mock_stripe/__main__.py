"""`python -m mock_stripe --port 3002 --webhook-url http://127.0.0.1:3000/webhooks/stripe --webhook-secret whsec_x`."""

import argparse
import os
from collections.abc import Sequence
from pathlib import Path

from mock_kit.serve import serve
from mock_stripe.app import create_app

DEFAULT_PORT = 3002


def main(arguments: Sequence[str] | None = None) -> int:
    parser = _parser()
    options = parser.parse_args(arguments)
    if options.state and options.seed is not None:
        parser.error("--seed would make the ids again that --state knows already")
    endpoints = ((options.webhook_url, options.webhook_secret),) if options.webhook_url else ()
    app = create_app(seed=options.seed, webhook_endpoints=endpoints, search_lag_seconds=options.search_lag_seconds)
    return serve(
        app,
        name="mock_stripe",
        host=options.host,
        port=options.port,
        port_setting="--port or MOCK_STRIPE_PORT",
        state_path=options.state,
    )


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="mock_stripe", description="A sandbox of Stripe's API, for loopback only.")
    parser.add_argument("--host", default="127.0.0.1")
    parser.add_argument("--port", type=int, default=os.environ.get("MOCK_STRIPE_PORT", DEFAULT_PORT))
    parser.add_argument(
        "--webhook-url", default=os.environ.get("MOCK_STRIPE_WEBHOOK_URL"), help="send every event there"
    )
    parser.add_argument(
        "--webhook-secret",
        default=os.environ.get("MOCK_STRIPE_WEBHOOK_SECRET") or "whsec_sandbox",
        help="the secret to sign with",
    )
    parser.add_argument(
        "--state",
        type=Path,
        default=os.environ.get("MOCK_STRIPE_STATE") or None,
        help="go on from this file, and keep everything in it",
    )
    parser.add_argument("--search-lag-seconds", type=int, default=0, help="hide new objects from search for a while")
    parser.add_argument("--seed", type=int, help="repeatable ids")
    return parser


if __name__ == "__main__":
    raise SystemExit(main())
