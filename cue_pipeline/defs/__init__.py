"""Dagster only: partitions, resources, IO manager, sensors, checks, jobs, assets."""
