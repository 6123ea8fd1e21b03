from cue_pipeline.warehouse import migrations


def test_an_empty_database_gets_the_programs_schema(engine):
    assert migrations.current(engine) == migrations.HEAD
    migrations.ensure_schema(engine)
