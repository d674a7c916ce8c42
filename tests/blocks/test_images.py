"""Pictures of services that are paid: what they are asked, and what becomes of answers good, slow and hostile."""

import json
from collections.abc import AsyncIterator
from typing import Any

import pytest

from blocks.base import Block, Exchange, Sleep, Wait
from blocks.catalogue import CATALOGUE_BLOCKS
from blocks.files.fetched import FetchedFiles
from blocks.http.client import Http
from blocks.http.errors import AnswerUnreadable, RateLimited, RequestFailed, StatusFailed
from blocks.media import (
    AIImageCustomizer,
    AIImageEditor,
    AIImageGenerator,
    AIMusicGenerator,
    IdeogramModel,
    ReplicateFluxAdvancedModel,
    ReplicateModel,
)
from blocks.media.generation import ImageGenModel, ImageSize, ImageStyle, request_for
from blocks.providers import ideogram, replicate
from blocks.services import File, Services
from engine.model import Effects
from tests.blocks.block_runs import context, credentials_for, passing_time, run
from tests.blocks.host import LargeFiles, MemoryFiles
from tests.support.web import Internet, internet

TOKEN = "secret of mine"
API = "https://api.replicate.com/v1"
MODEL = "google/nano-banana-2"
CREATE = f"POST {API}/models/{MODEL}/predictions"
LOOK = f"GET {API}/predictions/p1"
CANCEL = f"POST {API}/predictions/p1/cancel"
PICTURE = "https://replicate.delivery/p1/out.png"
REPLICATE = {"id": "mine", "provider": "replicate", "type": "api_key"}
IDEOGRAM = {"id": "mine", "provider": "ideogram", "type": "api_key"}


@pytest.fixture
async def net() -> AsyncIterator[Internet]:
    async with internet() as net:
        yield net


@pytest.fixture
async def http(net: Internet) -> AsyncIterator[Http]:
    http = net.http()
    yield http
    await http.aclose()


@pytest.fixture
def services(http: Http) -> Services:
    return Services(MemoryFiles(), fetch=FetchedFiles(http, 10_000), http=http)


def prediction(status: str, **more: Any) -> Exchange:
    urls = {"get": f"{API}/predictions/p1", "cancel": f"{API}/predictions/p1/cancel"}
    return Exchange("", json.dumps({"id": "p1", "status": status, "error": None, "urls": urls, **more}), 201)


async def predict(
    http: Http, waits: list[Wait] | None = None, *, model: str = MODEL, version: str | None = None
) -> str:
    """What a model gave, after all rounds of the block."""
    inputs = {
        "credentials": REPLICATE,
        "model_name": model,
        "model_inputs": {"prompt": "tea"},
        "version": version,
    }
    outputs = await run(ReplicateModel, inputs, waits, services=Services(http=http))
    return str(dict(outputs)["result"])


def seconds(waits: list[Wait]) -> list[float]:
    return [wait.duration.total_seconds() for wait in waits if isinstance(wait, Sleep)]


async def test_replicate_is_asked_as_documented(net: Internet, http: Http) -> None:
    net.answers[CREATE] = prediction("succeeded", output=[PICTURE])
    assert await predict(http) == PICTURE
    (request,) = net.seen
    assert json.loads(request.body) == {"input": {"prompt": "tea"}}
    assert request.headers["authorization"] == f"Bearer {TOKEN}"
    assert request.headers["prefer"] == "wait=10"
    assert request.headers["cancel-after"] == "600s", "where nobody is left to cancel it"


@pytest.mark.parametrize(("model", "version"), [("a/b", "5c7d"), ("a/b:5c7d", None), (" a/b:old ", "5c7d")])
async def test_a_version_is_asked_for_by_its_id(net: Internet, http: Http, model: str, version: str | None) -> None:
    net.answers[f"POST {API}/predictions"] = prediction("succeeded", output="x")
    assert await predict(http, model=model, version=version) == "x"
    assert json.loads(net.seen[0].body) == {"version": "5c7d", "input": {"prompt": "tea"}}


@pytest.mark.parametrize("model", ["", "b", "a/b/c", "../b", "a/..", "a/b?x=1", "a/b#", "https://x/y", "a b/c", "ä/b"])
async def test_what_is_no_model_is_not_asked_for(net: Internet, http: Http, model: str) -> None:
    with pytest.raises(ValueError, match="no model of Replicate"):
        await predict(http, model=model)
    assert not net.seen


async def test_an_unknown_model_is_told_what_may_be_missing(http: Http) -> None:
    with pytest.raises(ValueError, match=r"no official model google/nano-banana-2; .* need a version"):
        await predict(http)


async def test_a_prediction_is_asked_for_once_and_waited_for(net: Internet, http: Http) -> None:
    """Also when a look at it fails: it goes on there, and is paid for."""
    net.answers[CREATE] = prediction("starting")
    net.answers[LOOK] = [
        prediction("starting"),
        Exchange("", "oops", 502),
        Exchange("", "no JSON"),
        prediction("processing", output=[PICTURE]),
        prediction("succeeded", output=[PICTURE]),
    ]
    waits: list[Wait] = []
    assert await predict(http, waits) == PICTURE
    assert [f"{seen.method} {seen.url}" for seen in net.seen] == [CREATE, *[LOOK] * 5]
    assert all(seen.headers["authorization"] == f"Bearer {TOKEN}" for seen in net.seen)
    assert seconds(waits) == [5] * 5
    assert [wait.state["id"] for wait in waits] == ["p1"] * 5


async def test_pictures_are_sent_along_once(net: Internet, http: Http) -> None:
    """A look needs none of what the model was asked with."""
    files = LargeFiles(4)
    net.answers |= {CREATE: prediction("starting"), LOOK: [prediction("starting"), prediction("succeeded", output="")]}
    inputs = {"credentials": REPLICATE, "prompt": "x", "images": ["large.bin"]}
    with pytest.raises(AnswerUnreadable, match="gave no file"):
        await run(AIImageCustomizer, inputs, services=Services(files, http=http))
    assert files.reads == 1


async def test_a_prediction_that_cannot_be_looked_at_is_given_up_and_cancelled(net: Internet, http: Http) -> None:
    net.answers |= {CREATE: prediction("starting"), LOOK: Exchange("", "", 500), CANCEL: prediction("canceled")}
    with pytest.raises(StatusFailed):
        await predict(http)
    assert [f"{seen.method} {seen.url}" for seen in net.seen] == [CREATE, *[LOOK] * 6, CANCEL]
    net.seen.clear()
    net.answers |= {LOOK: Exchange("", "", 401), CANCEL: Exchange("", "", 500)}
    with pytest.raises(StatusFailed) as failure:
        await predict(http)
    assert failure.value.status == 401
    assert len(net.seen) == 3, "a token that is refused is not tried again"


@pytest.mark.parametrize(("block", "limit"), [(AIImageGenerator, 600), (AIMusicGenerator, 1_200)])
async def test_a_prediction_that_never_ends_is_cancelled(
    net: Internet, services: Services, monkeypatch: pytest.MonkeyPatch, block: type[Block[Any]], limit: int
) -> None:
    net.answers |= {CREATE: prediction("starting"), LOOK: prediction("processing"), CANCEL: prediction("canceled")}
    net.answers[f"POST {API}/predictions"] = prediction("starting")
    waits = passing_time(monkeypatch)
    with pytest.raises(ValueError, match=rf"within {limit} seconds; it was cancelled"):
        await run(block, {"credentials": REPLICATE, "prompt": "tea"}, waits, services=services)
    assert f"{net.seen[-1].method} {net.seen[-1].url}" == CANCEL
    assert net.seen[0].headers["cancel-after"] == f"{limit}s"
    assert sum(seconds(waits)) == limit
    assert len(net.seen) < 100


@pytest.mark.parametrize(
    ("ended", "said"),
    [
        (prediction("failed", error="The picture was flagged as sensitive"), "failed: The picture was flagged"),
        (prediction("failed"), "failed: it did not say why"),
        (prediction("canceled"), "cancelled at Replicate"),
    ],
)
async def test_predictions_that_fail(net: Internet, http: Http, ended: Exchange, said: str) -> None:
    net.answers |= {CREATE: prediction("starting"), LOOK: ended}
    with pytest.raises(ValueError, match=said):
        await predict(http)
    assert len(net.seen) == 2


async def test_a_reason_is_bounded(net: Internet, http: Http) -> None:
    net.answers[CREATE] = prediction("failed", error="x" * 100_000)
    with pytest.raises(ValueError, match="failed") as failure:
        await predict(http)
    assert len(str(failure.value)) < 1_000


@pytest.mark.parametrize(
    "url",
    [
        "https://evil.example/v1/predictions/p1",
        "https://api.replicate.com.evil.example/v1/predictions/p1",
        "https://api.replicate.com@evil.example/v1/predictions/p1",
        "http://api.replicate.com/v1/predictions/p1",
        "https://api.replicate.com:8443/v1/predictions/p1",
        "https://api.replicate.com/v1/predictions/../account",
        None,
        5,
    ],
)
async def test_the_token_goes_nowhere_else(net: Internet, http: Http, url: Any) -> None:
    """Whatever a prediction says of where it is found."""
    net.answers |= {CREATE: prediction("starting", urls={"get": url, "cancel": url}), CANCEL: prediction("canceled")}
    net.answers[LOOK] = Exchange("", "", 401)
    with pytest.raises(StatusFailed):
        await predict(http)
    assert [f"{seen.method} {seen.url}" for seen in net.seen] == [CREATE, LOOK, CANCEL]
    assert not [host for host in net.resolved if host != "api.replicate.com"]


@pytest.mark.parametrize("id", ["../account", "p1/cancel", "p1?x=1", "p1\n", "a" * 101, "ä", "", None, 5, ["p1"]])
async def test_ids_of_predictions_stay_ids(net: Internet, http: Http, id: Any) -> None:
    net.answers[CREATE] = prediction("starting", id=id)
    with pytest.raises(AnswerUnreadable):
        await predict(http)
    assert len(net.seen) == 1


@pytest.mark.parametrize("body", ["", "<html>", "null", "[]", "3", "{}", '{"status": 5}', '{"status": ["x"]}', "\x00"])
async def test_replicate_answers_otherwise(net: Internet, http: Http, body: str) -> None:
    net.answers[CREATE] = Exchange("", body)
    with pytest.raises(AnswerUnreadable) as failure:
        await predict(http)
    assert TOKEN not in str(failure.value)


@pytest.mark.parametrize("status", [400, 401, 402, 403, 422, 429, 500, 503])
async def test_replicate_says_no(net: Internet, http: Http, status: int) -> None:
    net.answers[CREATE] = Exchange("", f'{{"detail": "{TOKEN}"}}', status)
    with pytest.raises(RateLimited if status == 429 else StatusFailed) as failure:
        await predict(http)
    assert failure.value.status == status
    assert TOKEN not in str(failure.value)
    assert len(net.seen) == 1, "it is paid, so nothing is tried again"


@pytest.mark.parametrize(
    ("output", "text"),
    [
        ("a tea", "a tea"),
        (["a", " tea"], "a tea"),
        ([PICTURE, "https://other.example/"], PICTURE),
        (PICTURE, PICTURE),
        ([{"a": 1}, {"b": 2}], '{"a": 1}'),
        ({"a": [1]}, '{"a": [1]}'),
        ([1, 2], "[1, 2]"),
        (0, "0"),
        (False, "false"),
    ],
)
def test_outputs_as_text(output: Any, text: str) -> None:
    assert replicate.text_in(output) == text


@pytest.mark.parametrize("output", [None, "", []])
def test_outputs_without_anything(output: Any) -> None:
    with pytest.raises(ValueError, match="gave nothing"):
        replicate.text_in(output)
    with pytest.raises(AnswerUnreadable, match="gave no file"):
        replicate.file_in(output)


@pytest.mark.parametrize("output", ["text", ["text"], {"a": PICTURE}, [[PICTURE]], 5, "file:///etc/passwd"])
def test_outputs_without_a_file(output: Any) -> None:
    with pytest.raises(AnswerUnreadable):
        replicate.file_in(output)


REQUESTS: dict[ImageGenModel, dict[str, Any]] = {
    ImageGenModel.SD3_5: {
        "prompt": "pixel art of tea",
        "aspect_ratio": "16:9",
        "output_format": "webp",
        "output_quality": 90,
        "steps": 40,
        "cfg_scale": 7.0,
    },
    ImageGenModel.FLUX: {
        "prompt": "pixel art of tea",
        "aspect_ratio": "16:9",
        "width": 1440,
        "height": 810,
        "output_format": "jpg",
        "output_quality": 90,
    },
    ImageGenModel.RECRAFT: {"prompt": "tea", "size": "1536x1024", "style": "digital_illustration/pixel_art"},
    ImageGenModel.NANO_BANANA_2: {
        "prompt": "pixel art of tea",
        "aspect_ratio": "16:9",
        "resolution": "2K",
        "output_format": "jpg",
        "safety_filter_level": "block_only_high",
    },
}
REQUESTS[ImageGenModel.FLUX_ULTRA] = REQUESTS[ImageGenModel.FLUX]
REQUESTS[ImageGenModel.NANO_BANANA_PRO] = REQUESTS[ImageGenModel.NANO_BANANA_2]


@pytest.mark.parametrize("model", ImageGenModel)
def test_each_model_is_told_size_and_style_in_its_way(model: ImageGenModel) -> None:
    assert request_for(model, "tea", ImageSize.WIDE, ImageStyle.PIXEL_ART) == REQUESTS[model]
    plain = request_for(model, "tea", ImageSize.TALL, ImageStyle.ANY)
    assert plain["prompt"] == "tea"
    for size in ImageSize:
        for style in ImageStyle:
            assert "tea" in request_for(model, "tea", size, style)["prompt"]


async def test_the_generator_gives_an_address_and_keeps_what_has_none(net: Internet, services: Services) -> None:
    """Agents write the address into messages; a data URI would fill them."""
    inputs = {"credentials": REPLICATE, "prompt": "tea"}
    net.answers[CREATE] = [
        prediction("succeeded", output=PICTURE),
        prediction("succeeded", output="data:image/png;base64,dGVh"),
    ]
    assert await run(AIImageGenerator, inputs, services=services) == [("image_url", PICTURE)]
    ((_, reference),) = await run(AIImageGenerator, inputs, services=services)
    assert (await services.files.read(reference)).content == b"tea"
    assert len(net.seen) == 2


async def test_the_customizer_sends_its_pictures_along(net: Internet, services: Services) -> None:
    own = await services.files.store(File("leaf.png", "image/png", b"leaf"))
    net.answers["GET https://tea.example/pot.jpg"] = Exchange("", "pot", headers={"Content-Type": "image/jpeg"})
    net.answers[CREATE] = prediction("succeeded", output=PICTURE)
    net.answers[f"GET {PICTURE}"] = Exchange("", "made", headers={"Content-Type": "image/png"})
    images = [own, "data:image/gif;base64,dGVh", "https://tea.example/pot.jpg"]
    inputs = {"credentials": REPLICATE, "prompt": "both", "images": images, "aspect_ratio": "4:5"}
    ((name, reference),) = await run(AIImageCustomizer, inputs, services=services)
    assert name == "image_url"
    assert await services.files.read(reference) == File("out.png", "image/png", b"made")
    asked = {f"{seen.method} {seen.url}": seen for seen in net.seen}
    assert json.loads(asked[CREATE].body)["input"] == {
        "prompt": "both",
        "aspect_ratio": "4:5",
        "output_format": "png",
        "image_input": ["data:image/png;base64,bGVhZg==", "data:image/gif;base64,dGVh", "data:image/jpeg;base64,cG90"],
    }
    for url in ("https://tea.example/pot.jpg", PICTURE):
        assert "authorization" not in asked[f"GET {url}"].headers


async def test_pictures_that_are_too_large_together_are_not_read_to_the_end(net: Internet, http: Http) -> None:
    files = LargeFiles(4_000_000)
    inputs = {"credentials": REPLICATE, "prompt": "both", "images": ["large.bin"] * 14}
    with pytest.raises(ValueError, match="15,000,000 bytes together"):
        await run(AIImageCustomizer, inputs, services=Services(files, http=http))
    assert files.reads == 4
    assert not net.seen


@pytest.mark.parametrize(
    ("model", "given", "request_"),
    [
        ("Flux Kontext Max", {"seed": 0}, {"input_image": "data:image/png;base64,dGVh", "seed": 0}),
        ("Flux Kontext Pro", {}, {"input_image": "data:image/png;base64,dGVh"}),
        ("Nano Banana 2", {"seed": 5}, {"image_input": ["data:image/png;base64,dGVh"], "output_format": "jpg"}),
    ],
)
async def test_the_editor_asks_each_model_in_its_way(
    net: Internet, services: Services, model: str, given: dict[str, Any], request_: dict[str, Any]
) -> None:
    name = {"Nano Banana 2": MODEL}.get(model, f"black-forest-labs/{model.lower().replace(' ', '-')}")
    net.answers[f"POST {API}/models/{name}/predictions"] = prediction("succeeded", output=[PICTURE])
    net.answers[f"GET {PICTURE}"] = Exchange("", "made", headers={"Content-Type": "image/png"})
    inputs = {"credentials": REPLICATE, "prompt": "x", "model": model, "input_image": "data:image/png;base64,dGVh"}
    ((_, reference),) = await run(AIImageEditor, {**inputs, **given}, services=services)
    assert (await services.files.read(reference)).content == b"made"
    expected = {"prompt": "x", "aspect_ratio": "match_input_image", **request_}
    assert json.loads(net.seen[0].body)["input"] == expected


async def test_a_picture_that_cannot_be_kept_is_not_lost(net: Internet, services: Services) -> None:
    """It is paid for: then its address goes out."""
    net.answers[CREATE] = prediction("succeeded", output=PICTURE)
    inputs = {"credentials": REPLICATE, "prompt": "x"}
    for answer in (Exchange("", "gone", 404), Exchange("", "x" * 10_001)):
        net.answers[f"GET {PICTURE}"] = answer
        assert await run(AIImageCustomizer, inputs, services=services) == [("image_url", PICTURE)]


async def test_flux_gets_all_that_is_set(net: Internet, services: Services) -> None:
    net.answers[f"POST {API}/models/black-forest-labs/flux-1.1-pro/predictions"] = prediction(
        "succeeded", output=PICTURE
    )
    inputs = {"credentials": REPLICATE, "prompt": "x", "replicate_model_name": "Flux Pro 1.1", "output_format": "png"}
    assert await run(ReplicateFluxAdvancedModel, inputs, services=services) == [("result", PICTURE)]
    sent = json.loads(net.seen[0].body)["input"]
    assert 0 <= sent.pop("seed") < 2**32
    assert sent == {
        "prompt": "x",
        "steps": 25,
        "guidance": 3,
        "interval": 2,
        "aspect_ratio": "1:1",
        "output_format": "png",
        "output_quality": 80,
        "safety_tolerance": 2,
    }


THIRD = "POST https://api.ideogram.ai/v1/ideogram-v3/generate"
EARLIER = "POST https://api.ideogram.ai/generate"
UPSCALE = "POST https://api.ideogram.ai/upscale"
POSTER = "https://ideogram.ai/api/images/p1.png"
MADE = Exchange("", json.dumps({"created": "2026", "data": [{"url": POSTER, "is_image_safe": True, "seed": 1}]}))


def wish(**more: Any) -> ideogram.Wish:
    about: dict[str, Any] = {
        "model": "V_3",
        "prompt": "tea\r\n--x",
        "aspect_ratio": "ASPECT_16_9",
        "magic_prompt": "OFF",
        "style_type": "DESIGN",
        "seed": 0,
        "negative_prompt": "",
        "palette": {},
    }
    return ideogram.Wish(**(about | more))


async def test_the_third_ideogram_takes_a_form(net: Internet, http: Http) -> None:
    net.answers[THIRD] = MADE
    assert await ideogram.generate(http, TOKEN, wish(palette={"name": "EMBER"})) == POSTER
    (request,) = net.seen
    assert request.headers["api-key"] == TOKEN
    kind, _, boundary = request.headers["content-type"].partition("; boundary=")
    assert kind == "multipart/form-data"
    parts = request.body.decode().split(f"--{boundary}")
    assert parts[0] == ""
    assert parts[-1] == "--\r\n"
    fields = {}
    for part in parts[1:-1]:
        head, _, value = part.removeprefix("\r\n").removesuffix("\r\n").partition("\r\n\r\n")
        fields[head.partition('name="')[2].partition('"')[0]] = value
    assert fields == {
        "prompt": "tea\r\n--x",
        "aspect_ratio": "16x9",
        "magic_prompt": "OFF",
        "style_type": "DESIGN",
        "seed": "0",
        "color_palette": '{"name": "EMBER"}',
    }


@pytest.mark.parametrize(
    ("model", "more"),
    [
        ("V_2", {"style_type": "ANIME", "color_palette": {"name": "EMBER"}}),
        ("V_2_TURBO", {"style_type": "ANIME", "color_palette": {"name": "EMBER"}}),
        ("V_1", {}),
        ("V_1_TURBO", {}),
    ],
)
async def test_earlier_ideograms_take_json(net: Internet, http: Http, model: str, more: dict[str, Any]) -> None:
    net.answers[EARLIER] = MADE
    asked = wish(model=model, style_type="ANIME", seed=None, negative_prompt="milk", palette={"name": "EMBER"})
    assert await ideogram.generate(http, TOKEN, asked) == POSTER
    assert json.loads(net.seen[0].body) == {
        "image_request": {
            "prompt": "tea\r\n--x",
            "model": model,
            "aspect_ratio": "ASPECT_16_9",
            "magic_prompt_option": "OFF",
            "negative_prompt": "milk",
            **more,
        }
    }


async def test_a_style_that_the_model_has_not_costs_nothing(net: Internet, http: Http) -> None:
    with pytest.raises(ValueError, match="V_3 knows no style ANIME"):
        await ideogram.generate(http, TOKEN, wish(style_type="ANIME"))
    assert not net.seen


async def test_ideogram_makes_larger_what_it_made(net: Internet, services: Services) -> None:
    larger = "https://ideogram.ai/api/images/p2.png"
    net.answers |= {
        THIRD: MADE,
        f"GET {POSTER}": Exchange("", "small", headers={"Content-Type": "image/png"}),
        UPSCALE: Exchange("", json.dumps({"data": [{"url": larger}]})),
        f"GET {larger}": Exchange("", "large", headers={"Content-Type": "image/png"}),
    }
    inputs = {"credentials": IDEOGRAM, "prompt": "TEA", "upscale": "AI Upscale", "custom_color_palette": ["#9900FF"]}
    ((name, reference),) = await run(IdeogramModel, inputs, services=services)
    assert name == "result"
    assert await services.files.read(reference) == File("p2.png", "image/png", b"large")
    made, first, upscaled, _ = net.seen
    assert b'{"members": [{"color_hex": "#9900FF"}]}' in made.body
    assert "api-key" not in first.headers
    assert upscaled.headers["api-key"] == "secret of mine"
    assert b'name="image_request"\r\n\r\n{}' in upscaled.body
    assert b'name="image_file"; filename="image.png"' in upscaled.body
    assert b"small" in upscaled.body


async def test_a_picture_that_cannot_be_made_larger_is_given_as_it_is(net: Internet, services: Services) -> None:
    """It was paid for."""
    net.answers[THIRD] = MADE
    net.answers[f"GET {POSTER}"] = Exchange("", b"small", headers={"Content-Type": "image/png"})
    net.answers[UPSCALE] = Exchange("", "", 500)
    inputs = {"credentials": IDEOGRAM, "prompt": "TEA", "upscale": "AI Upscale"}
    about = context(services=services, credentials=credentials_for(IdeogramModel(), inputs))
    items = IdeogramModel().run(IdeogramModel.Input.model_validate(inputs), about)
    name, reference = await anext(items)
    with pytest.raises(ValueError, match=r"could not be made larger: api\.ideogram\.ai answered 500"):
        await anext(items)
    assert name == "result"
    assert await services.files.read(reference) == File("p1.png", "image/png", b"small")


async def test_colours_are_checked_before_anything_is_paid(net: Internet, services: Services) -> None:
    for colour in ("red", "#12345", "#1234567", "#12345G"):
        with pytest.raises(ValueError, match="is no colour"):
            await run(
                IdeogramModel,
                {"credentials": IDEOGRAM, "prompt": "x", "custom_color_palette": [colour]},
                services=services,
            )
    assert not net.seen


@pytest.mark.parametrize(
    "body",
    [
        "<html>r8_s3cret",
        "null",
        "[1]",
        '{"data": {}}',
        '{"data": []}',
        '{"data": [{"url": null}]}',
        '{"data": [{"url": "http://x.example/"}]}',
        '{"data": [{"url": "file:///etc/passwd"}]}',
        '{"data": ["r8_s3cret"]}',
    ],
)
async def test_ideogram_answers_otherwise(net: Internet, http: Http, body: str) -> None:
    net.answers |= {THIRD: Exchange("", body), EARLIER: Exchange("", body), UPSCALE: Exchange("", body)}
    net.answers[f"GET {POSTER}"] = Exchange("", "small")
    for call in (
        ideogram.generate(http, TOKEN, wish()),
        ideogram.generate(http, TOKEN, wish(model="V_2")),
        ideogram.upscale(http, TOKEN, POSTER),
    ):
        with pytest.raises(AnswerUnreadable) as failure:
            await call
        assert TOKEN not in str(failure.value)


async def test_ideogram_withholds_what_it_holds_for_unsafe(net: Internet, http: Http) -> None:
    net.answers[THIRD] = Exchange("", json.dumps({"data": [{"url": "", "is_image_safe": False}]}))
    with pytest.raises(ValueError, match="unsafe"):
        await ideogram.generate(http, TOKEN, wish())


async def test_a_picture_inside_the_house_is_not_fetched(net: Internet, http: Http) -> None:
    net.addresses["inside.example"] = ["10.0.0.1"]
    with pytest.raises(RequestFailed):
        await ideogram.upscale(http, TOKEN, "https://inside.example/x.png")
    assert not net.seen


def test_whatever_is_paid_for_is_entered_once() -> None:
    paid = [block for block in CATALOGUE_BLOCKS if block.__module__.startswith("blocks.media.")]
    assert len(paid) >= 6
    for block in paid:
        assert block.effects is Effects.EFFECTFUL
        assert not block.transient
