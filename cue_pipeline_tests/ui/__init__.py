"""Browser tests: a real `dagster dev`, a real browser, and what people do there."""
