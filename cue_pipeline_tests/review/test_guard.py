"""Who may ask the page's server: the fetch standard's Origin, DNS rebinding, the token."""

import re
from pathlib import Path

import pytest
from starlette.testclient import TestClient

import cue_pipeline.review
from cue_pipeline.review.app import Review, create_app
from cue_pipeline.review.guard import Admission

OURS = {"host": "127.0.0.1:3001", "origin": "http://127.0.0.1:3001",
        "content-type": "application/json"}  # fmt: skip
PAGE = Path(cue_pipeline.review.__file__).parent / "page"
LOCAL = Admission({"127.0.0.1:3001", "localhost:3001"})


def test_the_page_itself_may_read_and_write():
    assert LOCAL.refusal("GET", {"host": "localhost:3001"}) is None
    assert LOCAL.refusal("POST", OURS) is None


@pytest.mark.parametrize("host", ["evil.example:3001", "127.0.0.1", "127.0.0.1:80", ""])
def test_another_name_that_leads_here_is_refused(host):
    assert LOCAL.refusal("GET", {"host": host})[0] == 421


@pytest.mark.parametrize(
    "changed",
    [
        {"origin": "http://evil.example"}, {"origin": "null"}, {"origin": ""},
        {"origin": "http://127.0.0.1:3000"},
    ],
)  # fmt: skip
def test_another_page_may_not_write(changed):
    assert LOCAL.refusal("POST", OURS | changed)[0] == 403


def test_a_form_of_another_page_cannot_send_what_is_taken():
    assert LOCAL.refusal("POST", OURS | {"content-type": "text/plain"})[0] == 415


def test_a_catalogue_takes_nothing():
    catalogue = Admission({"127.0.0.1:3001"}, read_only=True)
    assert catalogue.refusal("POST", OURS)[0] == 403
    assert catalogue.refusal("GET", OURS) is None


def test_elsewhere_the_token_is_asked_for_once(demo):
    app = create_app(Review(demo, None, None, "Anna"), Admission(None, "s3cret"))
    with TestClient(app, base_url="http://studio:3001", follow_redirects=False) as other:
        assert other.get("/api/about").status_code == 401
        assert other.get("/?token=guess").status_code == 401
        let_in = other.get("/?token=s3cret")
        assert (let_in.status_code, let_in.headers["location"]) == (303, "/")
        cookie = let_in.headers["set-cookie"].lower()
        assert "httponly" in cookie
        assert "samesite=strict" in cookie
        assert other.get("/api/about").status_code == 200


def test_every_answer_forbids_foreign_code_and_embedding(page):
    for path in ("/", "/page/main.js", "/api/about", "/nothing"):
        policy = page.get(path).headers["content-security-policy"]
        assert "default-src 'none'" in policy
        assert "script-src 'self';" in policy
        assert "unsafe" not in policy
        assert page.get(path).headers["cross-origin-resource-policy"] == "same-origin"


@pytest.mark.parametrize(
    "name", ["../app.py", "..%2fapp.py", "%2e%2e%2fapp.py", ".hidden.js", "no.js"]
)
def test_only_the_pages_own_files_are_served(page, name):
    assert page.get(f"/page/{name}").status_code == 404


def test_the_scripts_of_the_page_set_names_as_text_and_ask_no_other_address():
    scripts = {file.name: file.read_text() for file in PAGE.iterdir()}
    assert {"index.html", "main.js", "style.css"} <= set(scripts)
    for name, script in scripts.items():
        for markup in ("innerHTML", "outerHTML", "insertAdjacentHTML", "document.write", "eval("):
            assert markup not in script, name
        addresses = re.findall(r"(?:https?:)?//[a-z][\w.-]*\.[a-z]{2,}", script)
        assert [a for a in addresses if "www.w3.org" not in a] == [], name  # the namespace of SVG
