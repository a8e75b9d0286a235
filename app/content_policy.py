"""A page's content policy: nothing but what the page itself brings, its inline parts known by their hashes."""

import base64
import hashlib
import re

INLINE_SCRIPT = re.compile(r"<script(?![^>]*\ssrc=)[^>]*>(.*?)</script>", re.DOTALL)
INLINE_STYLE = re.compile(r"<style>(.*?)</style>", re.DOTALL)


def content_policy(html: str, *directives: str) -> str:
    """The directives say what else the page may load. Frames, other bases, other hosts: never."""
    return "; ".join(
        (
            "default-src 'none'",
            " ".join(("script-src 'self'", *_hashes(INLINE_SCRIPT, html))),
            " ".join(("style-src 'self'", *_hashes(INLINE_STYLE, html))),
            "connect-src 'self'",
            "base-uri 'none'",
            "frame-ancestors 'none'",
            *directives,
        )
    )


def _hashes(part: re.Pattern[str], html: str) -> tuple[str, ...]:
    return tuple(dict.fromkeys(map(_source_hash, part.findall(html))))


def _source_hash(text: str) -> str:
    digest = base64.b64encode(hashlib.sha256(text.encode()).digest()).decode()
    return f"'sha256-{digest}'"
