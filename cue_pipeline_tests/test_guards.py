"""Small tests that keep the documents and the design true."""

import re
import tomllib
from importlib import metadata
from pathlib import Path

import dagster as dg
import pytest

from cue_pipeline.defs.location import build_defs
from cue_pipeline.library import graph
from cue_pipeline.library.graph import told_versions
from cue_pipeline.mapping.decision.fusion import WEIGHTS
from cue_pipeline.settings import Settings, read_settings

ROOT = Path(__file__).parent.parent
PAGES = (*ROOT.glob("*.md"), *ROOT.glob("docs/*.md"))


# What is installed to run with, and imported nowhere below cue_pipeline/.
NOT_IMPORTED = {
    "aurora-dsql-sqlalchemy": "SQLAlchemy finds the dialect by its entry point",
    "dagster-postgres": "named by deploy/postgres/dagster.yaml",
    "dagster-webserver": "make ui",
}


# What the product stands on, each used where it is best.
FOUNDATIONS = {
    "dagster", "dagster-postgres", "mido", "librosa", "numpy", "openai", "thefuzz", "sqlalchemy",
    "psycopg2-binary", "boto3", "pandas",
}  # fmt: skip


def normal(name: str) -> str:
    return re.sub(r"[-_.]+", "-", name).lower()


def prose(page: Path) -> str:
    """Return a page without its blocks of code, in which `#` and `[]` mean something else."""
    return re.sub(r"^```.*?^```", "", page.read_text(), flags=re.DOTALL | re.MULTILINE)


def anchors(page: Path) -> set[str]:
    """Return what a link may have after its `#`, by GitHub's rule."""
    headings = re.findall(r"^#+ +(.+)$", prose(page), flags=re.MULTILINE)
    return {re.sub(r"[^\w\- ]", "", heading.lower()).replace(" ", "-") for heading in headings}


def aliases() -> dict[str, object]:
    return {f.alias: f.default for f in Settings.model_fields.values() if f.alias}


def test_every_setting_is_in_the_example_file_with_its_default(monkeypatch, tmp_path):
    text = (ROOT / ".env.example").read_text()
    named = dict(re.findall(r"^([A-Z_]+)=(.*)$", text, flags=re.MULTILINE))
    assert set(named) == set(aliases())
    for name in named:
        monkeypatch.delenv(name, raising=False)
    (tmp_path / ".env").write_text(text)
    monkeypatch.chdir(tmp_path)
    from_example = read_settings()
    (tmp_path / ".env").unlink()
    assert from_example == read_settings()


def test_every_asset_is_in_the_architecture_page():
    text = (ROOT / "docs" / "architecture.md").read_text()
    for asset in graph.GRAPH:
        assert f"`{asset}`" in text


def test_dagster_knows_the_same_graph_as_the_ledger():
    assets = build_defs(read_settings()).resolve_asset_graph()
    for name, node in graph.GRAPH.items():
        parents = {key.path[-1] for key in assets.get(dg.AssetKey(name)).parent_keys}
        assert parents == set(node.upstream)
    assert {key.path[-1] for key in assets.get_all_asset_keys()} == set(graph.GRAPH)


def test_every_asset_has_its_current_code_version_in_dagster():
    settings = read_settings()
    assets = build_defs(settings).resolve_asset_graph()
    for name, version in told_versions(graph.code_versions(settings)).items():
        assert assets.get(dg.AssetKey(name)).code_version == version


def test_no_module_of_the_package_has_the_name_of_another():
    modules = (p for p in ROOT.glob("cue_pipeline/**/*.py") if not p.name.startswith("__"))
    places: dict[str, list[str]] = {}
    for module in modules:
        places.setdefault(module.name, []).append(str(module.parent.relative_to(ROOT)))
    twice = {name: rooms for name, rooms in places.items() if len(rooms) > 1}
    assert not twice


def test_the_constraints_name_no_address():
    text = (ROOT / "constraints.txt").read_text()
    assert "://" not in text
    assert "--" not in text


def test_every_runtime_dependency_is_imported_or_has_another_reason():
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
    needed = {normal(re.split(r"[<>=~!;\[ ]", d)[0]) for d in project["dependencies"]}
    distributions = metadata.packages_distributions()
    imported = {
        normal(distribution)
        for path in (ROOT / "cue_pipeline").rglob("*.py")
        for module in re.findall(r"^\s*(?:from|import) (\w+)", path.read_text(), re.MULTILINE)
        for distribution in distributions.get(module, ())
    }
    assert needed >= FOUNDATIONS
    assert needed - imported == set(NOT_IMPORTED)


def test_every_dependency_is_among_the_constraints():
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
    named = [*project["dependencies"], *project["optional-dependencies"]["dev"]]
    pinned = {
        normal(line.partition("==")[0])
        for line in (ROOT / "constraints.txt").read_text().splitlines()
    }
    assert {normal(re.split(r"[<>=~!;\[ ]", d)[0]) for d in named} <= pinned


def test_what_the_tests_need_is_installed():
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
    for needed in project["optional-dependencies"]["dev"]:
        name = re.split(r"[<>=~!;\[ ]", needed)[0]
        assert metadata.distribution(name), f"'{name}' is not installed: make .venv/.installed-dev"


@pytest.mark.parametrize("command", ["make run", "make test", "make ui"])
def test_the_commands_of_the_readme_are_targets_of_the_makefile(command):
    assert command in (ROOT / "README.md").read_text()
    target = command.split()[1]
    assert re.search(rf"^{target}:.*##", (ROOT / "Makefile").read_text(), flags=re.MULTILINE)


def test_no_tool_configuration_hides_the_workspace_file():
    # With [tool.dagster] in pyproject.toml Dagster silently ignores workspace.yaml.
    assert "[tool.dagster]" not in (ROOT / "pyproject.toml").read_text()


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_every_link_of_a_page_leads_somewhere(page):
    for link in re.findall(r"\]\(([^)\s]+)\)", prose(page)):
        if "://" in link:
            continue
        path, _, anchor = link.partition("#")
        target = page.parent / path if path else page
        assert target.exists(), link
        assert not anchor or anchor in anchors(target), link


def test_the_formula_of_the_decision_has_the_weights_of_the_code():
    formula = (
        (ROOT / "docs" / "deciding.md")
        .read_text()
        .partition("u(t, g) = ")[2]
        .partition("and the confidence")[0]
    )
    w = WEIGHTS
    assert re.findall(r"(?<!0\.02…)\d+\.\d+(?=[ ·−)])", formula) == [
        f"{w.name:.2f}", f"{w.name_neutral:.2f}", f"{w.name_against:.2f}",
        f"{w.name_neutral:.2f}", f"{w.evidence:.2f}", f"{w.unknown:.2f}", f"{w.model:.1f}",
        f"{w.none:.2f}", f"{w.model_none:.1f}",
    ]  # fmt: skip
