"""`python -m mock_metronome`: the sandbox on a loopback port."""

import argparse
import os
from pathlib import Path

from mock_kit.serve import serve
from mock_metronome.app import create_app
from mock_metronome.oauth import Client


def main() -> int:
    parser = _parser()
    options = parser.parse_args()
    if options.webhook_url and not options.webhook_secret:
        parser.error("--webhook-url needs --webhook-secret; anyone can forge a signature made with an empty one")
    if options.state and options.seed is not None:
        parser.error("--seed would make the ids again that --state knows already")
    app = create_app(
        client=Client(options.client_id, options.client_secret),
        seed=options.seed,
        webhook_url=options.webhook_url,
        webhook_secret=options.webhook_secret,
    )
    setting = "--port or MOCK_METRONOME_PORT"
    return serve(
        app,
        name="mock_metronome",
        host=options.host,
        port=options.port,
        port_setting=setting,
        state_path=options.state,
    )


def _parser() -> argparse.ArgumentParser:
    default = Client()
    parser = argparse.ArgumentParser(prog="mock_metronome", description="A stateful sandbox of Metronome.")
    # argparse parses a default that is a string like one that was typed, so a wrong variable is one clear line too.
    parser.add_argument("--port", type=int, default=os.environ.get("MOCK_METRONOME_PORT", "3001"))
    parser.add_argument("--host", default="127.0.0.1", help="a loopback address")
    parser.add_argument("--client-id", default=os.environ.get("MOCK_METRONOME_CLIENT_ID", default.client_id))
    parser.add_argument(
        "--client-secret", default=os.environ.get("MOCK_METRONOME_CLIENT_SECRET", default.client_secret)
    )
    parser.add_argument("--webhook-url", default=os.environ.get("MOCK_METRONOME_WEBHOOK_URL"))
    parser.add_argument("--webhook-secret", default=os.environ.get("MOCK_METRONOME_WEBHOOK_SECRET", ""))
    parser.add_argument(
        "--state",
        type=Path,
        default=os.environ.get("MOCK_METRONOME_STATE") or None,
        help="go on from this file, and keep everything in it",
    )
    parser.add_argument("--seed", type=int, help="makes ids repeat from run to run")
    return parser


if __name__ == "__main__":
    raise SystemExit(main())
