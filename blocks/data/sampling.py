"""Choosing some of many.

Registered in `catalogue.py`. Chance is drawn from the seed, or from the node execution's own id: running it again
chooses the same (agent-graphs §17.14).
"""

import random
from collections.abc import AsyncIterator, Mapping, Sequence
from enum import StrEnum
from itertools import accumulate
from typing import Any

from pydantic import Field

from blocks.base import Block, BlockContext, Category, Example, Inputs, Outputs, Yielded
from engine.model import Effects


class SamplingMethod(StrEnum):
    """How to choose."""

    RANDOM = "random"
    SYSTEMATIC = "systematic"
    TOP = "top"
    BOTTOM = "bottom"
    STRATIFIED = "stratified"
    WEIGHTED = "weighted"
    RESERVOIR = "reservoir"
    CLUSTER = "cluster"


class DataSamplingInputs(Inputs):
    data: dict[str, Any] | list[dict[str, Any] | list[Any]] = Field(description="What to choose from")
    sample_size: int = Field(10, description="How many to choose", ge=1)
    sampling_method: SamplingMethod = Field(
        SamplingMethod.RANDOM,
        description="random; systematic: at even distances; top; bottom; stratified: of each kind its share; "
        "weighted: heavier ones more often, also twice; reservoir; cluster: whole groups first",
    )
    accumulate: bool = Field(
        False,
        description="Collect what the node gets, over its executions in this run, until that is enough to choose from",
    )
    random_seed: int | None = Field(None, description="A number that makes chance choose the same every time")
    stratify_key: str | None = Field(None, description="The entry that says of which kind an item is")
    weight_key: str | None = Field(None, description="The entry that says how heavy an item is")
    cluster_key: str | None = Field(None, description="The entry that says to which group an item belongs")


class DataSamplingOutputs(Outputs):
    sampled_data: list[dict[str, Any] | list[Any]] = Field(description="What was chosen")
    sample_indices: list[int] = Field(description="Their positions, from 0")


class DataSampling(Block[DataSamplingInputs]):
    id = "4a448883-71fa-49cf-91cf-70d793bd7d87"
    name = "Data sampling"
    description = "Chooses some items of many, by one of several methods."
    categories = frozenset({Category.LOGIC})
    effects = Effects.PURE
    Input = DataSamplingInputs
    Output = DataSamplingOutputs
    examples = (
        Example(
            {"data": [{"n": 1}, {"n": 2}, {"n": 3}], "sample_size": 2, "sampling_method": "bottom"},
            (("sampled_data", [{"n": 2}, {"n": 3}]), ("sample_indices", [1, 2])),
        ),
        Example(
            {
                "data": [{"kind": "a"}, {"kind": "b"}, {"kind": "b"}],
                "sample_size": 3,
                "sampling_method": "stratified",
                "stratify_key": "kind",
                "random_seed": 1,
            },
            (("sampled_data", [{"kind": "a"}, {"kind": "b"}, {"kind": "b"}]), ("sample_indices", [0, 1, 2])),
        ),
    )

    def effects_for(self, input_default: Mapping[str, Any]) -> Effects:
        """Collecting is not for batches."""
        return Effects.IDEMPOTENT if input_default.get("accumulate") else self.effects

    async def run(self, inputs: DataSamplingInputs, context: BlockContext) -> AsyncIterator[Yielded]:
        items: list[Any] = inputs.data if isinstance(inputs.data, list) else [inputs.data]
        if inputs.accumulate:
            items = await context.services.collecting.collect(items, enough=inputs.sample_size)
            if not items:
                return
        if inputs.sample_size > len(items):
            raise ValueError(f"Sample size ({inputs.sample_size}) cannot be larger than the data size ({len(items)}).")
        seed = context.node_execution_id if inputs.random_seed is None else inputs.random_seed
        indices = _chosen(inputs, items, random.Random(seed))  # noqa: S311 - a sample is no secret
        yield "sampled_data", [items[index] for index in indices]
        yield "sample_indices", indices


def _chosen(inputs: DataSamplingInputs, items: Sequence[Any], chance: random.Random) -> list[int]:
    size, count = inputs.sample_size, len(items)
    match inputs.sampling_method:
        case SamplingMethod.RANDOM:
            return chance.sample(range(count), size)
        case SamplingMethod.SYSTEMATIC:
            step = count // size
            return list(range(chance.randrange(step), count, step))[:size]
        case SamplingMethod.TOP:
            return list(range(size))
        case SamplingMethod.BOTTOM:
            return list(range(count - size, count))
        case SamplingMethod.STRATIFIED:
            return _stratified(_groups(items, inputs.stratify_key, "Stratify"), size, count, chance)
        case SamplingMethod.WEIGHTED:
            return _weighted(items, inputs.weight_key, size, chance)
        case SamplingMethod.RESERVOIR:
            indices = list(range(size))
            for index in range(size, count):
                place = chance.randint(0, index)
                if place < size:
                    indices[place] = index
            return indices
        case SamplingMethod.CLUSTER:
            return _clustered(_groups(items, inputs.cluster_key, "Cluster"), size, chance)


def _groups(items: Sequence[Any], key: str | None, what: str) -> list[list[int]]:
    """The positions of the items by the text of their entry `key`, in the order in which groups appear."""
    groups: dict[str, list[int]] = {}
    for index, item in enumerate(items):
        groups.setdefault(str(_entry(item, key, what)), []).append(index)
    return list(groups.values())


def _entry(item: Any, key: str | None, what: str) -> Any:
    if not key:
        raise ValueError(f"{what} key must be provided for this kind of sampling.")
    value = item.get(key) if isinstance(item, dict) else None
    if value is None:
        raise ValueError(f"{what} key {key!r:.100} has no value in one of the items.")
    return value


def _stratified(strata: list[list[int]], size: int, count: int, chance: random.Random) -> list[int]:
    """From each stratum its share, at least one while there is room: what rounding left over goes to the largest."""
    shares = [max(1, len(stratum) * size // count) for stratum in strata]
    by_size = sorted(range(len(strata)), key=lambda place: -len(strata[place]))
    rest = size - sum(shares)
    for place in by_size if rest > 0 else reversed(by_size):
        room = len(strata[place]) - shares[place]
        change = min(rest, room) if rest > 0 else max(rest, -shares[place])
        shares[place] += change
        rest -= change
    return [index for stratum, share in zip(strata, shares, strict=True) for index in chance.sample(stratum, share)]


def _weighted(items: Sequence[Any], key: str | None, size: int, chance: random.Random) -> list[int]:
    try:
        weights = [float(_entry(item, key, "Weight")) for item in items]
    except (TypeError, OverflowError):
        raise ValueError(f"Weight key {key!r:.100} has a value that is no number in one of the items.") from None
    total = list(accumulate(weights))[-1]
    if any(not weight >= 0 for weight in weights) or not 0 < total < float("inf"):
        raise ValueError("Weights must not be negative or endless, nor all be zero.")
    return chance.choices(range(len(items)), weights=weights, k=size)


def _clustered(clusters: list[list[int]], size: int, chance: random.Random) -> list[int]:
    """Whole clusters, drawn by chance until they are enough; of more than enough some are left out by chance."""
    indices: list[int] = []
    for cluster in chance.sample(clusters, len(clusters)):
        indices += cluster
        if len(indices) >= size:
            break
    return chance.sample(indices, size) if len(indices) > size else indices
