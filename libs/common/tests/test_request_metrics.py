"""Rate, errors and duration by route: cheap to record, few labels, buckets that tell something."""

from __future__ import annotations

from prometheus_client import CollectorRegistry, Histogram, generate_latest

from atmr_common.observability.request_metrics import SECONDS, RequestMetrics
from atmr_common.observability.requests import register_process_metrics


def test_an_answer_is_counted_and_timed_under_its_route() -> None:
    registry = CollectorRegistry()
    metrics = RequestMetrics(registry)
    for _ in range(3):
        metrics.record("POST", "/v1/bookings", 201, 0.004)
    metrics.record("POST", "/v1/bookings", 409, 0.2)
    labels = {"method": "POST", "route": "/v1/bookings"}
    count = registry.get_sample_value("atmr_http_requests_total", labels | {"status": "201"})
    assert count == 3

    def below(bound: str) -> float | None:
        return registry.get_sample_value("atmr_http_request_seconds_bucket", labels | {"le": bound})

    assert (below("0.0025"), below("0.005"), below("0.25"), below("10.0")) == (0, 3, 4, 4)


def test_a_method_that_a_client_made_up_gets_no_label_of_its_own() -> None:
    registry = CollectorRegistry()
    metrics = RequestMetrics(registry)
    for number in range(50):
        metrics.record(f"FOO{number}", "unmatched", 405, 0.001)
    assert b"FOO" not in generate_latest(registry)
    labels = {"method": "other", "route": "unmatched", "status": "405"}
    assert registry.get_sample_value("atmr_http_requests_total", labels) == 50
    assert len(metrics._answers) == 1


def test_a_scrape_reads_what_a_histogram_has() -> None:
    registry = CollectorRegistry()
    metrics, usual = (
        RequestMetrics(registry),
        Histogram("usual", "", buckets=SECONDS, registry=None),
    )
    for number in range(200):
        seconds = 0.0005 * number**1.5
        metrics.record("GET", "/livez", 200, seconds)
        usual.observe(seconds)
    metrics.record("GET", "/livez", 200, SECONDS[3])  # a bound belongs to its own bucket
    usual.observe(SECONDS[3])
    labels = {"method": "GET", "route": "/livez"}
    for sample in usual.collect()[0].samples:
        name = sample.name.replace("usual", "atmr_http_request_seconds")
        if not name.endswith("_created"):
            assert registry.get_sample_value(name, labels | sample.labels) == sample.value


def test_the_process_and_its_build_are_told() -> None:
    registry = CollectorRegistry()
    register_process_metrics(registry, service="tests", version="9.9")
    labels = {"service": "tests", "version": "9.9"}
    assert registry.get_sample_value("atmr_build_info", labels) == 1
    text = generate_latest(registry).decode()
    assert "process_resident_memory_bytes" in text
    assert "python_gc_collections_total" in text
