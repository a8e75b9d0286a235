"""What a person sees who opens a sandbox's address in a browser."""

from collections.abc import Iterable, Mapping, Sequence
from html import escape
from itertools import islice

from mock_kit.clock import Clock
from mock_kit.control import ROUTES
from mock_kit.messages import Answer
from mock_kit.moments import format_moment

MOST_CUSTOMERS = 50
PAGE = """<!doctype html>
<html lang="en">
<meta charset="utf-8">
<title>{name}</title>
<style>body {{ font: 1rem/1.5 system-ui; max-width: 50rem; margin: 2rem auto; padding: 0 1rem }}
td {{ padding-right: 1.5rem }}</style>
<h1>{name}</h1>
<p>{about}</p>
<p>Its clock says {now}{frozen}. It has {counts}.</p>
<h2>Newest customers</h2>
<table>{customers}</table>
<h2>Control routes</h2>
<ul>{routes}</ul>
</html>
"""


def front_page(
    name: str,
    *,
    about: str,
    clock: Clock,
    counts: Mapping[str, int],
    customers: Iterable[Sequence[str]],
    routes: Iterable[str],
) -> Answer:
    """`customers`: newest first, each as the cells to show. `routes`: this provider's own control routes."""
    page = PAGE.format(
        name=name,
        about=escape(about),
        now=format_moment(clock.now()),
        frozen=", frozen" if clock.frozen else "",
        counts=", ".join(f"{number} {noun.replace('_', ' ')}" for noun, number in counts.items()),
        customers="".join(_row(customer) for customer in islice(customers, MOST_CUSTOMERS)),
        routes="".join(f"<li><code>{escape(route)}</code></li>" for route in (*ROUTES, *routes)),
    )
    return Answer(200, page.encode(errors="replace"), (("content-type", "text/html; charset=utf-8"),))


def _row(cells: Sequence[str]) -> str:
    return f"<tr>{''.join(f'<td>{escape(cell)}</td>' for cell in cells)}</tr>"
