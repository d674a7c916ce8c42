"""Files of runs over HTTP."""

from typing import Any

import httpx

from store.keeping import StoredFile
from store.memory import MemoryStore


async def test_a_file_is_downloaded_by_its_owner_only(
    ann: httpx.AsyncClient, bob: httpx.AsyncClient, run: dict[str, Any], store: MemoryStore
) -> None:
    content = b"<script>alert(1)</script>\x00\xff"
    digest = await store.files.put(run["id"], StoredFile("täglich.html", "text/html", content), most_bytes=1000)
    path = f"/api/executions/{run['id']}/files/{digest}/t%C3%A4glich.html"
    answer = await ann.get(path)
    assert (answer.status_code, answer.content) == (200, content)
    assert answer.headers["content-disposition"] == "attachment; filename*=UTF-8''t%C3%A4glich.html"
    assert answer.headers["x-content-type-options"] == "nosniff"
    assert answer.headers["content-type"].startswith("text/html")
    assert (await bob.get(path)).json()["error"]["code"] == "execution_not_found"
    other = await ann.get(f"/api/executions/{run['id']}/files/{'0' * 64}/a.txt")
    assert (other.status_code, other.json()["error"]["code"]) == (404, "file_not_found")
    assert (await ann.get(f"/api/executions/{run['id']}/files/short/a.txt")).status_code == 400
