"""Turn film-scoring sessions into relational training data, with Dagster."""
