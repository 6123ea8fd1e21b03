"""The relational tables: definition, engines, loading and reading, migrations."""
