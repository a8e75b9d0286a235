"""Reading /metrics as Prometheus does."""

from collections.abc import Mapping

import httpx
from prometheus_client.openmetrics.parser import text_string_to_metric_families

OPENMETRICS = {"accept": "application/openmetrics-text; version=1.0.0"}

Samples = Mapping[tuple[str, tuple[tuple[str, str], ...]], float]


async def scrape(http: httpx.AsyncClient) -> Samples:
    answer = await http.get("/metrics", headers=OPENMETRICS)
    assert answer.status_code == 200, answer.text
    return {
        (sample.name, tuple(sorted(sample.labels.items()))): sample.value
        for family in text_string_to_metric_families(answer.text)  # type: ignore[no-untyped-call]  # the library ships none
        for sample in family.samples
    }


def value(samples: Samples, name: str, **labels: str) -> float:
    """0 for what has not happened yet."""
    return samples.get((name, tuple(sorted(labels.items()))), 0.0)


def names(samples: Samples) -> set[str]:
    return {name for name, _ in samples}


def values_of(samples: Samples, label: str, *, metric: str) -> set[str]:
    return {dict(labels)[label] for name, labels in samples if name == metric}
