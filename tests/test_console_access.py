"""Signing in and out, accounts and tokens, as a browser does it."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest
from fastapi.testclient import TestClient

from tests.console_house import ORIGIN, PEOPLE, House, house
from tests.console_people import PASSWORD
from veilleur.console.administration import rights_of
from veilleur.console.permission import Role
from veilleur.console.routing import declared
from veilleur.console.session_pages import own_path
from veilleur.law.deed import COMMAND_LINE, Deed


@pytest.fixture
def made(tmp_path: Path) -> Iterator[House]:
    with house(tmp_path) as one:
        yield one


def signed_in(made: House, name: str = "supervisor", **fields: str) -> TestClient:
    """Through the form, as somebody does."""
    browser = made.browser()
    answer = browser.post("/sign-in", data={"name": name, "password": PASSWORD, **fields})
    assert answer.status_code == 303, answer.text
    return browser


def csrf(page: str) -> str:
    found = re.search(r'name="csrf" value="([0-9a-f]{64})"', page)
    assert found is not None
    return found[1]


# ---------------------------------------------------------------------- in and out
def test_somebody_signs_in_works_and_signs_out(made: House) -> None:
    browser = signed_in(made)
    page = browser.get("/accounts")
    assert (page.status_code, "operator" in page.text) == (200, True)
    answer = browser.post("/sign-out", data={"csrf": csrf(page.text)})
    assert answer.headers["location"] == "/sign-in"
    assert browser.get("/accounts").headers["location"] == "/sign-in?next=/accounts"


def test_a_cookie_that_was_kept_opens_nothing_after_signing_out(made: House) -> None:
    browser = signed_in(made)
    kept = dict(browser.cookies)
    browser.post("/sign-out", data={"csrf": csrf(browser.get("/account").text)})
    thief = made.browser()
    thief.cookies.update(kept)
    assert thief.get("/account").status_code == 303


def test_the_cookie_is_out_of_reach_of_scripts_and_other_sites(made: House) -> None:
    answer = made.browser().post("/sign-in", data={"name": "dpo", "password": PASSWORD})
    cookie = answer.headers["set-cookie"].lower()
    assert "httponly" in cookie
    assert "samesite=strict" in cookie
    assert "path=/;" in cookie
    assert "domain" not in cookie


def test_whoever_was_sent_to_sign_in_goes_on_to_where_they_were_going(made: House) -> None:
    page = made.browser().get("/sign-in?next=/accounts").text
    assert 'name="next" value="/accounts"' in page
    answer = made.browser().post(
        "/sign-in", data={"name": "supervisor", "password": PASSWORD, "next": "/accounts"}
    )
    assert answer.headers["location"] == "/accounts"
    assert signed_in(made).get("/sign-in?next=/tokens").headers["location"] == "/tokens"


@pytest.mark.parametrize(
    ("name", "home"),
    [
        ("operator", "/"),
        ("supervisor", "/"),
        ("integrator", "/cameras"),
        ("dpo", "/audit"),
        ("auditor", "/audit"),
        ("expired", "/cameras"),
    ],
)
def test_nobody_begins_with_a_page_that_is_closed_to_them(
    made: House, name: str, home: str
) -> None:
    fields = {"name": name, "password": PASSWORD}
    assert made.browser().post("/sign-in", data=fields).headers["location"] == home


@pytest.mark.parametrize(
    "target",
    [
        "https://evil.example/",
        "//evil.example",
        "/\\evil.example",
        "\\\\evil.example",
        "javascript:alert(1)",
        "/\n/evil.example",
        "/\t/evil.example",
        "///evil.example",
        "evil",
        "",
        "http:evil",
        "/é",
        "//[",
    ],
)
def test_nobody_is_sent_to_another_place_after_signing_in(made: House, target: str) -> None:
    assert own_path(target) == "/"
    answer = made.browser().post(
        "/sign-in", data={"name": "operator", "password": PASSWORD, "next": target}
    )
    assert answer.headers["location"] == "/"


@pytest.mark.parametrize("language", ["fr", "en"])
def test_a_wrong_password_and_an_unknown_name_look_the_same(made: House, language: str) -> None:
    pages = []
    for name in ("operator", "unknown1"):
        fields = {"name": name, "password": "wrong horse", "language": language}
        answer = made.browser().post("/sign-in", data=fields)
        assert answer.status_code == 401
        pages.append(answer.text.replace(name, "NAME"))
    assert pages[0] == pages[1]
    assert 'role="alert"' in pages[0]
    assert "wrong horse" not in pages[0]


def test_a_locked_account_is_told_to_wait_in_words(made: House) -> None:
    browser = made.browser()
    fields = {"name": "operator", "password": "wrong horse", "language": "fr"}
    codes = [browser.post("/sign-in", data=fields).status_code for _ in range(9)]
    assert codes == [401] * 8 + [429]
    answer = browser.post("/sign-in", data={**fields, "password": PASSWORD})
    assert answer.status_code == 429
    assert "Trop de requêtes" in answer.text
    assert int(answer.headers["retry-after"]) > 800


def test_a_sign_in_form_on_another_site_signs_nobody_in(made: House) -> None:
    browser = made.browser()
    fields = {"name": "dpo", "password": PASSWORD}
    answer = browser.post("/sign-in", data=fields, headers={"Origin": "https://evil.example"})
    assert answer.status_code == 403
    assert "set-cookie" not in answer.headers


@pytest.mark.parametrize("path", ["/sign-in", "/account", "/accounts", "/tokens", "/docs"])
def test_pages_have_no_script_style_or_event_of_their_own(made: House, path: str) -> None:
    text = (signed_in(made) if path != "/sign-in" else made.browser()).get(path).text
    assert not re.search(r"<script|<style|\sstyle=|\son[a-z]+=|javascript:|https?://", text)


@pytest.mark.parametrize("language", ["fr", "en"])
def test_pages_are_in_the_language_of_the_account(made: House, language: str) -> None:
    browser = signed_in(made)
    page = browser.get("/account").text
    fields = {"csrf": csrf(page), "language": language, "next": "/account"}
    assert browser.post("/account/language", data=fields).headers["location"] == "/account"
    page = browser.get("/account").text
    assert f'<html lang="{language}">' in page
    assert ("Mot de passe" in page) == (language == "fr")


def test_the_sign_in_page_is_in_the_browsers_language_or_the_one_that_was_chosen(
    made: House,
) -> None:
    browser = made.browser()
    english = {"Accept-Language": "en-GB,en;q=0.9"}
    assert "Se connecter" in browser.get("/sign-in", headers={"Accept-Language": "de"}).text
    assert "Sign in" in browser.get("/sign-in", headers=english).text
    assert "Se connecter" in browser.get("/sign-in?language=fr", headers=english).text


@pytest.mark.parametrize(
    ("path", "status", "words"),
    [
        ("/nowhere", 404, "n’existe pas"),
        ("/accounts/unknown", 404, "n’existe pas, ou pas pour vous"),
        ("/audit-of-others", 404, "n’existe pas"),
        ("/stay", 405, "ne se demande pas ainsi"),
        ("/sign-in?language=xx", 422, "ne convient pas"),
        ("/incidents/00000000-0000-7000-8000-000000000000", 403, "rôle"),
    ],
)
def test_what_goes_wrong_is_told_in_the_readers_language(
    made: House, path: str, status: int, words: str
) -> None:
    name = "supervisor" if status != 403 else "auditor"
    account = made.residents.accounts.one(name)
    rights = replace(rights_of(account), language="fr")
    made.residents.accounts.change(name, rights, COMMAND_LINE)
    english = {"Accept-Language": "en"} if path.startswith(("/accounts", "/inc")) else {}
    answer = made.browser(name).get(path, headers=english)
    assert answer.status_code == status
    assert words in answer.text
    assert '<html lang="fr">' in answer.text


def test_staying_is_a_sign_of_life_and_needs_its_word(made: House) -> None:
    assert made.browser("operator").post("/stay").status_code == 204
    assert made.browser("operator").post("/stay", headers={"X-CSRF-Token": ""}).status_code == 403


# ---------------------------------------------------------------------- forged posts
def test_a_post_from_elsewhere_is_refused_at_every_route_that_changes_something(
    made: House,
) -> None:
    supervisor = made.browser("supervisor")
    changing = {one.path for one in declared(made.app.router.routes) if one.method == "POST"}
    assert len(changing) > 15
    for path in changing - {"/sign-in"}:
        where = re.sub(r"\{[^}]*\}", "00000000-0000-7000-8000-000000000000", path)
        for forged in (
            {"Origin": "https://evil.example"},
            {"Origin": "null"},
            {"X-CSRF-Token": "0" * 64},
        ):
            answer = supervisor.post(where, headers=forged)
            assert answer.status_code == 403, (path, forged)


# ---------------------------------------------------------------------- accounts
RIGHTS = {
    "roles": ["operator", "dpo"],
    "cameras": ["dock"],
    "habilitated_until": "2027-06-30",
    "trained_until": "2027-06-30",
    "language": "fr",
}


def test_a_supervisor_adds_somebody_who_then_signs_in(made: House) -> None:
    browser = made.browser("supervisor")
    new = {"name": "nina", "password": PASSWORD, **RIGHTS}
    assert browser.post("/accounts", data=new).status_code == 303
    nina = made.residents.accounts.one("nina")
    assert nina.roles == frozenset({"operator", "dpo"})
    assert nina.cameras == frozenset({"dock"})
    assert str(nina.habilitated_until) == "2027-06-30 22:00:00+00:00"  # midnight in Paris
    page = browser.get("/accounts/nina").text
    assert 'value="2027-06-30"' in page
    assert "Déconnecter" not in page
    assert "Se déconnecter" in signed_in(made, "nina").get("/account").text


def test_a_supervisor_changes_and_disables_somebody(made: House) -> None:
    operator = signed_in(made, "operator")
    browser = made.browser("supervisor")
    answer = browser.post("/accounts/operator", data={**RIGHTS, "disabled": "on"})
    assert answer.status_code == 303
    assert made.residents.accounts.one("operator").disabled
    assert operator.get("/account").status_code == 303
    assert "disabled" in browser.get("/accounts").text


@pytest.mark.parametrize(
    "wrong",
    [
        {"name": "operator"},
        {"name": "<b>"},
        {"password": "short"},
        {"roles": []},
        {"cameras": ["gate\0"]},
        {"cameras": ["x" * 201]},
    ],
    ids=["name taken", "no name", "password", "no role", "no camera", "a long camera"],
)
def test_a_form_that_is_not_taken_says_why_and_changes_nothing(
    made: House, wrong: dict[str, object]
) -> None:
    before = made.residents.accounts.all()
    fields = {"name": "nina", "password": PASSWORD, **RIGHTS, **wrong}
    answer = made.browser("supervisor").post("/accounts", data=fields)
    assert answer.status_code == 422
    assert 'role="alert"' in answer.text
    assert "short" not in re.sub(r"<[^>]*>", "", answer.text)
    assert made.residents.accounts.all() == before


@pytest.mark.parametrize("extra", ["is_admin", "password_hash", "account", "changed"])
def test_a_field_too_many_is_an_error(made: House, extra: str) -> None:
    fields = {"name": "nina", "password": PASSWORD, **RIGHTS, extra: "1"}
    assert made.browser("supervisor").post("/accounts", data=fields).status_code == 422
    assert "nina" not in {one.name for one in made.residents.accounts.all()}


def test_nobody_gives_themselves_more(made: House) -> None:
    browser = made.browser("supervisor")
    answer = browser.post("/accounts/supervisor", data={**RIGHTS, "roles": list(Role)})
    assert answer.status_code == 422
    assert made.residents.accounts.one("supervisor").roles == frozenset({"supervisor"})


def test_a_supervisor_of_one_camera_is_offered_and_told_of_no_more(made: House) -> None:
    made.residents.add("dora", Role.SUPERVISOR, cameras=frozenset({"dock"}))
    browser = made.browser("dora")
    page = browser.get("/accounts").text
    assert "/accounts/docker" in page
    for unseen in ("gate", "/accounts/operator", "every_camera", 'value="dpo"', "toutes"):
        assert unseen not in page
    assert browser.get("/accounts/operator").status_code == 404
    assert "every_camera" not in browser.get("/accounts/docker").text
    new = {"name": "nina", "password": PASSWORD, **RIGHTS}
    assert browser.post("/accounts", data={**new, "roles": ["supervisor"]}).status_code == 403
    assert browser.post("/accounts", data={**new, "every_camera": "on"}).status_code == 403
    assert (
        browser.post("/accounts/operator/password", data={"password": PASSWORD}).status_code == 403
    )
    assert browser.post("/accounts", data={**new, "roles": ["operator"]}).status_code == 303


def test_a_password_is_set_and_changed(made: House) -> None:
    other = "another horse battery"
    set_ = made.browser("supervisor").post("/accounts/dpo/password", data={"password": other})
    assert set_.status_code == 303
    browser = made.browser()
    assert browser.post("/sign-in", data={"name": "dpo", "password": PASSWORD}).status_code == 401
    assert browser.post("/sign-in", data={"name": "dpo", "password": other}).status_code == 303
    fields = {"old": other, "new": PASSWORD, "csrf": csrf(browser.get("/account").text)}
    assert browser.post("/account/password", data=fields).status_code == 200
    assert browser.post("/account/password", data=fields).status_code == 422  # not the old one
    signed_in(made, "dpo")


# ---------------------------------------------------------------------- tokens
def test_a_token_is_shown_once_works_and_is_revoked(made: House) -> None:
    browser = made.browser("supervisor")
    fields = {"name": "a monitor", "permissions": ["see_cameras"], "expires": "2027-01-31"}
    page = browser.post("/tokens", data=fields).text
    found = re.search(r"veilleur_[A-Za-z0-9_-]{43}", page)
    assert found is not None
    assert found[0] not in browser.get("/tokens").text
    program = TestClient(made.app, base_url=ORIGIN, headers={"Authorization": f"Bearer {found[0]}"})
    assert program.get("/api/v1/cameras").status_code == 200
    assert program.get("/api/v1/incidents").status_code == 403
    assert made.residents.lines(Deed.DENIED)[-1].who == "supervisor"
    (token,) = made.residents.tokens.all()
    assert browser.post(f"/tokens/{token.id}/revoke").status_code == 303
    assert program.get("/api/v1/cameras").status_code == 401


@pytest.mark.parametrize(
    "wrong",
    [{"permissions": ["decide"]}, {"permissions": []}, {"expires": ""}, {"expires": "2020-01-01"}],
    ids=["a person's", "nothing", "no end", "past"],
)
def test_a_token_for_more_is_not_issued(made: House, wrong: dict[str, object]) -> None:
    fields = {"name": "x", "permissions": ["see_cameras"], "expires": "2027-01-31", **wrong}
    assert made.browser("supervisor").post("/tokens", data=fields).status_code == 422
    assert made.residents.tokens.all() == []


@pytest.mark.parametrize("language", ["en", "fr"])
def test_whatever_a_token_may_is_offered_in_words(made: House, language: str) -> None:
    made.residents.add("owner", *Role)
    browser = made.browser("owner")
    csrf_ = browser.headers["X-CSRF-Token"]
    browser.post("/account/language", data={"language": language, "csrf": csrf_})
    page = browser.get("/tokens").text
    offered = re.findall(r'name="permissions" value="(\w+)"> ([^<]+)</label>', page)
    assert len(offered) > 8
    assert [code for code, words in offered if "_" in words or code == words.strip()] == []


# ---------------------------------------------------------------------- hostile text
HOSTILE = [
    "<script>alert(1)</script>",
    '"><img src=x onerror=alert(1)>',
    "'><svg/onload=alert(1)>",
    "</title><script>alert(1)</script>",
    "{{777*7777777}}",
    "{% raw %}",
    "javascript:alert(1)",
    "&lt;script&gt;",
    "\u202e<b>\u2028",
    "<![CDATA[<b>]]>",
]


@pytest.mark.parametrize("text", HOSTILE)
def test_text_of_others_never_becomes_markup(made: House, text: str) -> None:
    supervisor = made.browser("supervisor")
    fields = {"name": text, "permissions": ["see_cameras"], "expires": "2027-01-31"}
    pages = [
        supervisor.post("/tokens", data=fields),
        made.browser().post("/sign-in", data={"name": text, "password": "x", "next": "/" + text}),
        made.browser().get("/sign-in", params={"next": "/" + text}),
        supervisor.get(f"/accounts/{text}"),
        supervisor.post("/accounts", data={"name": text, "password": PASSWORD, **RIGHTS}),
        supervisor.post("/stay", headers={"X-CSRF-Token": text.encode().hex()}),
    ]
    for page in pages:
        assert page.status_code < 500
        assert not re.search(r"<script|<img|<svg|<b>|6043332729", page.text), page.text
    assert made.residents.tokens.all()[0].name == text


def test_every_role_has_a_page_to_be_on(made: House) -> None:
    for name in PEOPLE:
        assert made.browser(name).get("/account").status_code == 200
