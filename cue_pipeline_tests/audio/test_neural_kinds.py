"""Kinds made by models of people's own, by small ONNX models with random weights."""

import json

import numpy as np
import pytest
import soxr

from cue_pipeline.audio.features.feeding import Feed
from cue_pipeline.audio.features.kind import Grid
from cue_pipeline.audio.features.shipped import load_shipped
from cue_pipeline.errors import SettingsError

# They are of the tests' own dependencies: test_guards fails where these are not installed.
onnx = pytest.importorskip("onnx")
onnxruntime = pytest.importorskip("onnxruntime")
TensorProto, helper, numpy_helper = onnx.TensorProto, onnx.helper, onnx.numpy_helper

RATE, HOP, TAPS, BOOKS, TOKENS = 24_000, 320, 960, 2, 16


def saved(path, nodes, weights, shape, outputs, rate=RATE):
    """Write a model of samples; return its path."""
    graph = helper.make_graph(
        nodes,
        "model",
        [helper.make_tensor_value_info("input_values", TensorProto.FLOAT, shape)],
        [helper.make_tensor_value_info(name, kind, None) for name, kind in outputs.items()],
        [numpy_helper.from_array(value, name) for name, value in weights.items()],
    )
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)])
    model.ir_version = 8
    if rate:
        entry = model.metadata_props.add()
        entry.key, entry.value = "sample_rate", str(rate)
    path.parent.mkdir(parents=True, exist_ok=True)
    onnx.save(model, str(path))
    return path


def codec_model(path, **options):
    """Write an encoder: a convolution over steps of HOP samples, and the loudest of its outputs."""
    rng = np.random.default_rng(0)
    filters = rng.standard_normal((BOOKS * TOKENS, 1, TAPS)).astype(np.float32)
    pad = (TAPS - HOP) // 2
    nodes = [
        helper.make_node("Conv", ["input_values", "w"], ["h"], strides=[HOP], pads=[pad, pad]),
        helper.make_node("Reshape", ["h", "apart"], ["apart_h"]),
        helper.make_node("ArgMax", ["apart_h"], ["codes"], axis=2, keepdims=0),
    ]
    weights = {"w": filters, "apart": np.array([0, BOOKS, TOKENS, -1], np.int64)}
    return saved(
        path, nodes, weights, ["batch", 1, "samples"], {"codes": TensorProto.INT64}, **options
    )


def embedding_model(path, shape=("batch", "samples"), **options):
    """Write an encoder: mean and power of a window's samples, in a sequence of one step."""
    nodes = [
        helper.make_node("ReduceMean", ["input_values"], ["mean"], axes=[1], keepdims=1),
        helper.make_node("Mul", ["input_values", "input_values"], ["squares"]),
        helper.make_node("ReduceMean", ["squares"], ["power"], axes=[1], keepdims=1),
        helper.make_node("Concat", ["mean", "power"], ["both"], axis=1),
        helper.make_node("Unsqueeze", ["both", "one"], ["last_hidden_state"]),
    ]
    weights = {"one": np.array([1], np.int64)}
    return saved(
        path, nodes, weights, list(shape), {"last_hidden_state": TensorProto.FLOAT}, **options
    )


def frames_of(name, y, grid, block):
    kind, feed = load_shipped(name), Feed(grid)
    feed.stream(kind, "it", ("M",))
    parts = []
    for first in range(0, y.size, block):
        feed.take({"it": y[first : first + block]})
        parts += list(feed.frames(kind, "it"))
    feed.end()
    found = np.concatenate([*parts, *feed.frames(kind, "it")])
    kind.shape(grid).refuse_frames(name, len(found), y.size, grid.sample_rate)
    return found


def noise(seconds, rate=48_000):
    return (0.1 * np.random.default_rng(1).standard_normal(round(rate * seconds))).astype("f4")


@pytest.mark.parametrize("seconds", [0.01, 3.0, 13.37])
def test_tokens_in_pieces_are_those_of_the_whole_signal_at_once(tmp_path, seconds):
    path = codec_model(tmp_path / "encoder.onnx")
    y = noise(seconds)
    grid = Grid(48_000, 512, 2_048, codec_model=path)
    heard = soxr.resample(y, 48_000, RATE, quality=soxr.HQ)
    padded = np.pad(heard, (0, -heard.size % HOP))
    whole = onnxruntime.InferenceSession(str(path)).run(None, {"input_values": padded[None, None]})
    # The resampler rounds by where blocks end, which may turn a token whose two best are alike.
    for block in (131_072, 5_000):
        ours = frames_of("codec", y, grid, block)
        assert ours.dtype == np.int16
        assert ours.shape == (padded.size // HOP, BOOKS)
        assert (ours == whole[0][0].T).mean() > 0.999


def of_one_length(free, fixed, steps):
    """Write a codec that takes one piece at a time, of so many steps; return its path."""
    model = onnx.load(str(free))
    dims = model.graph.input[0].type.tensor_type.shape.dim
    dims[0].dim_value, dims[2].dim_value = 1, steps * HOP
    onnx.save(model, str(fixed))
    return fixed


@pytest.mark.parametrize("steps", [30, 75, 3, 4, 5])  # 75: EnCodec's, of a second
def test_a_codec_of_pieces_of_one_length_only_has_the_same_tokens(tmp_path, steps):
    free = codec_model(tmp_path / "a.onnx")
    fixed = of_one_length(free, tmp_path / "b.onnx", steps)
    y = noise(3.013)
    found = [
        frames_of("codec", y, Grid(48_000, 512, 2_048, codec_model=path), 40_000)
        for path in (free, fixed)
    ]
    assert (found[0] == found[1]).mean() > 0.999


@pytest.mark.parametrize("steps", [1, 2])
def test_a_codec_of_pieces_too_short_for_margins_has_a_token_a_step(tmp_path, steps):
    path = of_one_length(codec_model(tmp_path / "a.onnx"), tmp_path / "b.onnx", steps)
    found = frames_of("codec", noise(2.0), Grid(48_000, 512, 2_048, codec_model=path), 40_000)
    assert found.shape == (2 * RATE // HOP, BOOKS)


def test_an_embedding_stands_at_every_second_of_the_resampled_signal(tmp_path):
    grid = Grid(48_000, 512, 2_048, embedding_model=embedding_model(tmp_path / "e.onnx"))
    t = np.arange(5 * 48_000) / 48_000
    y = (0.5 * np.sin(2 * np.pi * 440.0 * t) * (t < 2.5)).astype(np.float32)
    found = frames_of("embedding", y, grid, 30_000)
    assert found.shape == (6, 2)
    # Half the first window is before the beginning; a sine's power is half its peak's square.
    assert found[:, 1] == pytest.approx([0.0625, 0.125, 0.125, 0.0, 0.0, 0.0], abs=1e-3)
    assert np.allclose(found, frames_of("embedding", y, grid, 7_777), atol=1e-6)


def test_windows_are_normalised_where_the_models_description_says_so(tmp_path):
    path = embedding_model(tmp_path / "onnx" / "model.onnx", rate=None)
    described = {"sampling_rate": 16_000, "do_normalize": True}
    (tmp_path / "preprocessor_config.json").write_text(json.dumps(described))
    grid = Grid(48_000, 512, 2_048, embedding_model=path)
    assert load_shipped("embedding").shape(grid).sample_rate == 16_000
    found = frames_of("embedding", 0.3 * noise(3.0), grid, 48_000)
    assert found[1:3, 1] == pytest.approx([1.0, 1.0], abs=0.1)  # the variance of each window


def test_another_model_under_the_same_name_makes_rows_stale(tmp_path):
    path = embedding_model(tmp_path / "e.onnx")
    grid = Grid(48_000, 512, 2_048, embedding_model=path)
    before = load_shipped("embedding").shape(grid)
    y = noise(3.0)
    assert frames_of("embedding", y, grid, 48_000).shape == (4, 2)
    embedding_model(path, rate=16_000)
    after = load_shipped("embedding").shape(grid)
    assert after.params != before.params
    assert (before.sample_rate, after.sample_rate) == (RATE, 16_000)
    assert frames_of("embedding", y, grid, 48_000).shape == (4, 2)


def weighted_model(path, gain, *, apart):
    """Write an encoder of one number, the power of a window times a gain; return its path."""
    nodes = [
        helper.make_node("Mul", ["input_values", "input_values"], ["squares"]),
        helper.make_node("ReduceMean", ["squares"], ["power"], axes=[1], keepdims=1),
        helper.make_node("Mul", ["power", "gain"], ["embeddings"]),
    ]
    weights = {"gain": np.full((1, 1), gain, np.float32)}
    saved(path, nodes, weights, ["batch", "samples"], {"embeddings": TensorProto.FLOAT})
    if apart:
        onnx.save_model(
            onnx.load(str(path)), str(path), save_as_external_data=True, location=apart,
            size_threshold=0,
        )  # fmt: skip
    return path


@pytest.mark.parametrize("apart", [None, "e.onnx_data", "e.onnx.data", "w" * 200])
def test_a_model_replaced_under_a_living_process_is_the_one_that_runs(tmp_path, apart):
    path = weighted_model(tmp_path / "e.onnx", 1.0, apart=apart)
    grid = Grid(48_000, 512, 2_048, embedding_model=path)
    said, found, y = [], [], np.full(3 * 48_000, 0.5, np.float32)
    for gain in (1.0, 2.0):
        written = path.read_bytes()
        if apart:
            (tmp_path / apart).unlink()
        weighted_model(path, gain, apart=apart)
        assert not apart or path.read_bytes() == written  # only the weights beside it differ
        said.append(load_shipped("embedding").shape(grid).params["model_xxh3"])
        found.append(float(frames_of("embedding", y, grid, 48_000)[1, 0]))
    assert said[0] != said[1]
    assert found == pytest.approx([0.25, 0.5], rel=0.01)


def test_a_model_replaced_between_its_opening_and_a_fork_is_refused(tmp_path, monkeypatch):
    path = embedding_model(tmp_path / "e.onnx")
    grid = Grid(48_000, 512, 2_048, embedding_model=path)
    stream = load_shipped("embedding").make(grid, ("M",))
    embedding_model(path, rate=16_000)
    monkeypatch.setattr("os.getpid", lambda: 1)  # sessions are a process's own
    with pytest.raises(SettingsError, match=r"e\.onnx' was replaced while it was in use"):
        list(stream.feed(noise(3.0)))


def test_a_description_that_changes_is_read_anew(tmp_path):
    path = embedding_model(tmp_path / "e.onnx", rate=None)
    grid = Grid(48_000, 512, 2_048, embedding_model=path)
    for rate in (16_000, 24_000):
        (tmp_path / "preprocessor_config.json").write_text(json.dumps({"sampling_rate": rate}))
        assert load_shipped("embedding").shape(grid).sample_rate == rate


@pytest.mark.parametrize("kind", ["codec", "embedding"])
@pytest.mark.parametrize("fault", ["unset", "missing", "no model", "no rate", "mel input"])
def test_a_model_that_cannot_be_used_is_told_with_the_setting_that_names_it(tmp_path, kind, fault):
    path = tmp_path / "m.onnx"
    if fault == "no model":
        path.write_bytes(b"not a model")
    elif fault == "no rate":
        embedding_model(path, rate=None)
    elif fault == "mel input":
        embedding_model(path, shape=("batch", 1, 64, "frames"))
    given = None if fault == "unset" else path
    grid = Grid(48_000, 512, 2_048, codec_model=given, embedding_model=given)
    with pytest.raises(SettingsError) as told:
        load_shipped(kind).shape(grid)
    assert ("m.onnx" if given else f"CUE_{kind.upper()}_MODEL") in str(told.value)


@pytest.mark.parametrize(
    ("rate", "description", "said"),
    [
        ("banana", None, "'banana' by the metadata 'sample_rate'"),
        ("16", None, "from 1,000"),
        (None, '{"sampling_rate": 0}', "is 0 by 'sampling_rate'"),
        (None, '{"sampling_rate": null}', "is None by 'sampling_rate'"),
        (None, '{"sampling_rate": NaN}', "is nan by 'sampling_rate'"),
        (16_000, "{broken", "no JSON object: Expecting"),
        (16_000, "[16000]", "no JSON object: it holds a list"),
    ],
)
def test_a_description_that_cannot_be_used_is_told_with_its_file(tmp_path, rate, description, said):
    path = embedding_model(tmp_path / "m.onnx", rate=rate)
    if description is not None:
        (tmp_path / "preprocessor_config.json").write_text(description)
    with pytest.raises(SettingsError) as told:
        load_shipped("embedding").shape(Grid(48_000, 512, 2_048, embedding_model=path))
    assert said in str(told.value)
    named = "m.onnx" if description is None else "preprocessor_config.json"
    assert str(tmp_path / named) in str(told.value)


@pytest.mark.parametrize("bands", [64, "bands"])
def test_a_model_of_mel_bands_is_refused_before_any_sound_is_read(tmp_path, bands):
    path = saved(
        tmp_path / "m.onnx", [helper.make_node("Conv", ["input_values", "w"], ["y"])],
        {"w": np.zeros((8, 64, 3), np.float32)}, ["batch", bands, "frames"],
        {"y": TensorProto.FLOAT},
    )  # fmt: skip
    with pytest.raises(SettingsError, match=r"m\.onnx.*\(batch, 1, samples\)"):
        load_shipped("embedding").shape(Grid(48_000, 512, 2_048, embedding_model=path))


@pytest.mark.parametrize(
    ("nodes", "shape"),
    [
        ([helper.make_node("ReduceMean", ["input_values"], ["y"], keepdims=0)], r"\(\)"),
        ([helper.make_node("Slice", ["input_values", "zero", "zero", "one"], ["y"])], r"\(1, 0\)"),
    ],
    ids=["one number", "nothing of each window"],
)
def test_a_model_that_gives_nothing_of_each_window_is_told(tmp_path, nodes, shape):
    weights = {"zero": np.array([0], np.int64), "one": np.array([1], np.int64)}
    path = saved(
        tmp_path / "m.onnx", nodes, weights, ["batch", "samples"], {"y": TensorProto.FLOAT}
    )
    with pytest.raises(SettingsError, match=rf"m\.onnx' gave an output of shape {shape}"):
        load_shipped("embedding").shape(Grid(48_000, 512, 2_048, embedding_model=path))
