from typing import Any

from temporalio import activity

import activities.run_node as rn
from tests.support.blocks import PassOn, PassOnce
from tests.support.graphs import graph, node


async def test_probe(stack: Any, monkeypatch: Any) -> None:
    seen = []
    orig = rn.NodeActivities._earlier

    async def spy(self: Any, run: Any) -> Any:
        i = activity.info()
        seen.append((i.attempt, i.scheduled_time, i.current_attempt_scheduled_time))
        return await orig(self, run)

    monkeypatch.setattr(rn.NodeActivities, "_earlier", spy)
    await stack.run(graph([node(f"a{i}", PassOn, value=i) for i in range(6)] + [node("b", PassOnce, value=1)]))
    for s in seen:
        print(s[0], s[1] == s[2], s[1], s[2])
    assert 0
