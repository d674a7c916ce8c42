"""The interactive documentation: open to anyone, and whole on a machine without internet."""

import re

import httpx


async def test_the_page_and_its_files_come_from_here(anyone: httpx.AsyncClient) -> None:
    page = await anyone.get("/docs")
    assert page.status_code == 200
    assert "//" not in page.text, "it names another host"
    assert '"validatorUrl": null' in page.text
    assert "'/openapi.json'" in page.text
    named = re.findall(r'(?:src|href)="([^"]+)"', page.text)
    assert len(named) == 3
    for path in named:
        assert (await anyone.get(path)).status_code == 200, path
    assert not re.search(r"@import|url\((?!['\"]?data:)", (await anyone.get("/docs/files/swagger-ui.css")).text)


async def test_the_root_leads_to_it(anyone: httpx.AsyncClient) -> None:
    answer = await anyone.get("/")
    assert (answer.status_code, answer.headers["location"]) == (307, "/docs")


async def test_there_is_no_page_that_needs_other_hosts(anyone: httpx.AsyncClient) -> None:
    assert (await anyone.get("/redoc")).status_code == 404


async def test_a_file_that_is_not_there_is_refused_like_any_path(anyone: httpx.AsyncClient) -> None:
    answer = await anyone.get("/docs/files/none.js")
    assert (answer.status_code, answer.json()["error"]["code"]) == (404, "not_found")
    assert (await anyone.get("/docs/files/../main.py")).status_code == 404
