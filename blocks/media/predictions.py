"""Blocks that run a model at Replicate and wait for it without holding a worker."""

from abc import abstractmethod
from collections.abc import AsyncIterator, Mapping
from datetime import timedelta
from typing import Any, ClassVar

from pydantic import Field

from blocks.base import Block, BlockContext, Exchange, Inputs, Sleep, Yielded
from blocks.credentials import CredentialsField, CredentialsMeta, key_of
from blocks.http.client import Http
from blocks.http.errors import RequestFailed
from blocks.jobs import FIRST_PAUSE, Job
from blocks.providers import replicate
from blocks.services import Services
from engine.model import Effects


class ReplicateInputs(Inputs):
    """Inputs of a block that runs a model at Replicate."""

    credentials: CredentialsMeta = Field(title="Credentials", description="A token for Replicate")


class ReplicateBlock[InputT: ReplicateInputs](Block[InputT]):
    """Has a prediction made, which is asked for once, and gives what came of it."""

    effects = Effects.EFFECTFUL
    effects_after_sleep = Effects.IDEMPOTENT
    credentials: ClassVar = {"credentials": CredentialsField(("replicate",))}
    within: ClassVar = timedelta(minutes=10)
    """How long it is waited for; then it is cancelled."""

    @abstractmethod
    async def request(self, inputs: InputT, services: Services) -> replicate.Request:
        """What is asked of which model."""

    @abstractmethod
    async def outputs(self, inputs: InputT, output: Any, services: Services) -> Mapping[str, Any]:
        """What the block gives of the model's output."""

    async def run(self, inputs: InputT, context: BlockContext) -> AsyncIterator[Yielded]:
        http, token = context.services.http, key_of(context.credentials)
        if context.resume is None:
            asked = await self.request(inputs, context.services)
            prediction = await replicate.begin(http, token, asked, within=self.within)
            if prediction.id:
                yield Job.begun(prediction.id).sleep(FIRST_PAUSE)
                return
        else:
            seen = await self._look(http, token, Job.kept(context.resume))
            if isinstance(seen, Sleep):
                yield seen
                return
            prediction = seen
        for output in (await self.outputs(inputs, prediction.output, context.services)).items():
            yield output

    async def _look(self, http: Http, token: str, job: Job) -> replicate.Prediction | Sleep:
        seconds = self.within.total_seconds()
        try:
            seen = await job.look(lambda: replicate.ended(http, token, job.id), seconds)
        except RequestFailed:
            await replicate.cancel(http, token, job.id)
            raise
        if seen is None:
            await replicate.cancel(http, token, job.id)
            raise ValueError(f"The model did not come to an end within {seconds:g} seconds; it was cancelled.")
        return seen


def made(model: str, answer: str) -> Exchange:
    """How an example makes Replicate answer: the prediction has ended well, with this JSON as its output."""
    return Exchange(
        f"POST https://api.replicate.com/v1/models/{model}/predictions",
        f'{{"id": "p1", "status": "succeeded", "output": {answer}}}',
        status=201,
        headers={"Content-Type": "application/json"},
    )
