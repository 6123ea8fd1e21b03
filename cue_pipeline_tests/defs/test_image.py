"""The steps of the Dockerfile, run natively: what it copies and installs is enough to work with.

No container engine is needed: folders of the image are folders under ``tmp_path``, the packages of
this environment stand in for those that pip would load, and no user is made.
"""

import os
import re
import shutil
import subprocess
import sys
import sysconfig
from pathlib import Path

import pytest

from cue_pipeline_tests.daemon import ROOT

STEP = re.compile(r"^(FROM|ENV|WORKDIR|COPY|RUN|USER|CMD)\s+(.*)$")
OF_ROOT = "useradd() { :; }\nchown() { :; }\n"


def steps():
    """Return the Dockerfile's instructions, each with its text in one line."""
    text = (ROOT / "deploy" / "docker" / "Dockerfile").read_text()
    text = re.sub(r"\\\n\s*", " ", text)
    lines = [line for line in text.splitlines() if line and not line.startswith("#")]
    return [STEP.match(line).groups() for line in lines]


class Image:
    """What the instructions make, in a folder."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.directory = folder
        self.venv = folder / "python"
        subprocess.run([sys.executable, "-m", "venv", self.venv], check=True)
        self.environment = {
            "HOME": str(folder),
            "PATH": f"{self.venv / 'bin'}:{os.defpath}",
            **{k: v for k, v in os.environ.items() if k.startswith(("PIP_", "SSL_", "HTTPS_"))},
        }
        self.lend_packages()

    def lend_packages(self) -> None:
        """Let the image see the packages of this environment, without the checkout itself."""
        lent = self.folder / "lent"
        lent.mkdir()
        for path in Path(sysconfig.get_path("purelib")).iterdir():
            if not re.search(r"cue_pipeline|\.pth$|^(pip|setuptools)\b|__pycache__", path.name):
                (lent / path.name).symlink_to(path)
        (site,) = (self.venv / "lib").glob("python*/site-packages")
        (site / "lent.pth").write_text(f"{lent}\n")

    def inside(self, text: str) -> str:
        """Return a text with the image's folders as those under ours."""
        return re.sub(r"(?<![\w./])/(opt|var)/", rf"{self.folder}/\1/", text)

    def do(self, name: str, text: str) -> None:
        getattr(self, name.lower())(self.inside(text))

    def env(self, text: str) -> None:
        self.environment |= dict(word.split("=", 1) for word in text.split())

    def workdir(self, text: str) -> None:
        self.directory = Path(text)
        self.directory.mkdir(parents=True, exist_ok=True)

    def copy(self, text: str) -> None:
        *sources, target = text.split()
        for source in sources:
            to = self.directory / target
            if (ROOT / source).is_dir():
                shutil.copytree(ROOT / source, to, dirs_exist_ok=True)
                continue
            to = to / Path(source).name if target.endswith("/") else to
            to.parent.mkdir(parents=True, exist_ok=True)
            shutil.copy(ROOT / source, to)

    def run(self, text: str) -> str:
        done = subprocess.run(
            ["sh", "-e", "-c", OF_ROOT + text],
            cwd=self.directory, env=self.environment, capture_output=True, text=True, timeout=600,
        )  # fmt: skip
        assert done.returncode == 0, done.stdout + done.stderr
        return done.stdout

    def ignore(self, text: str) -> None:
        """The base image, the user and the default command change nothing here."""

    from_ = user = cmd = ignore


@pytest.mark.slow
def test_the_steps_of_the_image_leave_a_command_that_works(tmp_path):
    image = Image(tmp_path)
    for name, text in steps():
        image.do("from_" if name == "FROM" else name, text)
    assert image.directory == tmp_path / "var" / "lib" / "cue-pipeline"
    assert (image.directory / "dagster" / "dagster.yaml").is_file()
    where = image.run("python -c 'import cue_pipeline; print(cue_pipeline.__file__)'")
    assert where.startswith(str(image.venv))
    assert "process" in image.run("cue-pipeline --help")
    image.environment["DATABASE_URL"] = "sqlite:///cues.db"
    image.run("cue-pipeline db upgrade")  # the migrations are in the package
    image.run("python -c 'from cue_pipeline.definitions import defs; defs.resolve_all_job_defs()'")
