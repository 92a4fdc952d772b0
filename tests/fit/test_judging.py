"""Devices, placement, options, engines: what the answer says."""

from __future__ import annotations

import json
import struct
from dataclasses import replace

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from vramlab import model

from doctor.errors import FitError
from doctor.fit import Request, devices, estimate, fit, judge, kv, options, profiles, sources, stored, weights
from doctor.fit.count import describe
from doctor.fit.shapes import GIB
from doctor.model.snapshot import Snapshot


def loaded(name: str) -> sources.Loaded:
    return sources.Loaded(model(name))


def asked(name: str, gpu: str, **values):
    return judge([loaded(name)], Request(**values), devices.parse(gpu))


@pytest.mark.parametrize(
    ("text", "sizes"),
    [
        ("24GiB,24GiB", [24, 24]),
        ("2x24", [24, 24]),
        ("40GB", [40]),
        ("24576MiB", [24]),
        ("RTX 3090", [24 * 0.98]),
        ("a100 80gb", [80 * 0.98]),
    ],
)
def test_device_lists(text, sizes):
    assert [d.total for d in devices.parse(text)] == [int(size * GIB) for size in sizes]


@pytest.mark.parametrize(
    "text", ["", "0", "24GiB,", "99x99x99", "RTX 9999", "a100", "x" * 500, "-3GiB", "-5", "0.0", "1e9GiB"]
)
def test_bad_device_lists(text):
    with pytest.raises(FitError):
        devices.parse(text)


def live(**facts) -> tuple[devices.Device, ...]:
    gpu = {"index": 0, "name": "NVIDIA L4", "total": 24 * GIB, "free": 5 * GIB, **facts}
    holder = {"gpu": 0, "pid": 77, "name": "python", "used": 18 * GIB, "ours": True}
    return devices.live(Snapshot({"gpus": [gpu], "gpu.processes": [holder]}))


def test_live_devices_and_who_holds_them():
    (device,) = live()
    assert (device.free, device.holders[0].pid) == (5 * GIB, 77)
    assert live(visible=False) == ()
    assert live(lost=True) == ()
    answer = judge([loaded("qwen2.5-vl-7b-instruct")], Request(), live())
    assert answer.verdict == "no"
    assert answer.options[0].steps[0].flags == "kill 77"


def test_two_programs_may_have_to_go():
    gpu = {"index": 0, "name": "NVIDIA L4", "total": 24 * GIB, "free": 2 * GIB}
    holders = [{"gpu": 0, "pid": pid, "used": 10 * GIB, "ours": True} for pid in (7, 8)]
    found = devices.live(Snapshot({"gpus": [gpu], "gpu.processes": holders}))
    first = judge([loaded("qwen2.5-vl-7b-instruct")], Request(), found).options[0]
    assert [step.flags for step in first.steps] == ["kill 7", "kill 8"]


def test_mig_instances_stand_for_their_gpu():
    facts = {"gpus": [{"index": 0, "total": 80 * GIB, "mig": True}], "mig.devices": [{"gpu": 0, "total": 20 * GIB}]}
    assert [d.total for d in devices.live(Snapshot(facts))] == [20 * GIB]


def test_verdicts():
    assert asked("qwen2.5-vl-7b-instruct", "24GiB").verdict == "fits"
    assert asked("qwen2.5-vl-7b-instruct", "16.5GiB").verdict == "tight"
    assert asked("qwen2.5-vl-7b-instruct", "12GiB").verdict == "no"
    assert judge([loaded("qwen2.5-vl-7b-instruct")], Request(), ()).verdict == "no-device"


@pytest.mark.parametrize("engine", ["transformers", "vllm", "lmdeploy", "llama.cpp", "exllamav2"])
def test_nothing_of_a_shipped_profile_is_unknown(engine):
    for name in profiles.names():
        if name.startswith("lisa") and engine != "transformers":
            continue  # only its own code loads it
        answer = asked(name, "4000GiB", engine=engine, videos=((8, 640, 480),))
        assert answer.verdict == "fits", (name, answer.budget.unknown)
        if engine == "transformers":  # the others serve language models only
            assert answer.budget.of("activations") > 0, name


def test_two_devices_hold_what_one_does_not():
    answer = asked("llava-v1.6-34b-hf", "40GiB,40GiB")
    assert answer.fits
    assert len(answer.shares) == 2
    assert all(share.bytes <= share.usable for share in answer.shares)
    assert sum(s.bytes for s in answer.shares) >= answer.budget.total


def test_tensor_parallel_needs_equal_room():
    assert asked("internvl2-26b", "40GiB,40GiB", engine="vllm", context=8192).fits
    assert not asked("internvl2-26b", "48GiB,20GiB", engine="vllm", context=8192).fits


@pytest.mark.parametrize("engine", ["transformers", "vllm", "lmdeploy", "llama.cpp", "exllamav2"])
def test_every_option_fits_when_applied(engine):
    one, request, room = model("qwen2.5-vl-7b-instruct"), Request(engine=engine), devices.parse("11GiB")
    found = options.nearest(one, request, room)
    assert found
    assert [o.cost for o in found] == sorted(o.cost for o in found)
    for option in found:
        if option.cost < 60:  # the others change the devices or the engine
            other, changed = options.changed(one, request, option.steps)
            shares, fits = devices.place(other, changed, estimate(other, changed), room)
            assert fits
            assert sum(s.bytes for s in shares) == option.total
        assert all(step.flags for step in option.steps)


def test_vllm_need_not_make_room_for_pictures_that_never_come():
    answer = asked("qwen2.5-vl-7b-instruct", "24GiB", engine="vllm", context=65536, images=((1024, 768),))
    assert answer.verdict == "no"
    flags = [[step.flags for step in option.steps] for option in answer.options]
    assert ["""--mm-processor-kwargs '{"max_pixels": 787136}'"""] in flags[:2]


def test_other_engines_forget_the_first_ones_options():
    answer = asked("qwen2-vl-7b-instruct", "12GiB", engine="vllm", kv="fp8", utilization=0.9)
    engines = [option.steps[0].request.get("engine") for option in answer.options]
    assert "llama.cpp" in engines
    moe = asked("qwen3-vl-30b-a3b-instruct", "24GiB", quant="nf4")
    assert [option.steps[0].request["engine"] for option in moe.options] == ["llama.cpp", "vllm"]


def test_a_narrower_format_than_asked_is_proposed():
    answer = asked("qwen2.5-vl-32b-instruct", "24GiB", quant="int8")
    assert answer.options[0].steps[0].request["quant"] == "nf4"


def test_no_option_contains_another():
    found = options.nearest(model("qwen2-vl-7b-instruct"), Request(batch=8, attention="eager"), devices.parse("16GiB"))
    sets = [frozenset(step.flags for step in option.steps) for option in found]
    assert not [(a, b) for a in sets for b in sets if a < b]


def test_whole_prompt_logits_are_an_option_to_upgrade():
    answer = asked("qwen2.5-vl-7b-instruct", "20GiB", prompt=6000, transformers="4.51.3")
    assert answer.options[0].steps[0].flags == 'pip install "transformers>=4.54"'
    assert any(note.key == "note.logits" for note in answer.notes)


def test_several_models_share_one_context():
    alone = asked("qwen2.5-vl-7b-instruct", "24GiB").budget
    twice = judge([loaded("qwen2.5-vl-7b-instruct")] * 2, Request(), devices.parse("24GiB"))
    assert twice.verdict == "no"
    assert twice.budget.of("weights") == 2 * alone.of("weights")
    assert twice.budget.of("overhead") == alone.of("overhead")
    assert any(note.key == "note.twice" for note in twice.notes)


def test_pieces_add_up_and_more_is_more():
    small = estimate(model("qwen2-vl-7b-instruct"), Request())
    assert small.total == sum(p.bytes for p in small.pieces)
    for change in ({"batch": 4}, {"new": 4096}, {"images": ((4000, 3000),)}, {"dtype": "fp32"}, {"attention": "eager"}):
        assert estimate(model("qwen2-vl-7b-instruct"), Request(**change)).total > small.total
    for change in ({"quant": "int8"}, {"quant": "nf4"}, {"images": ()}, {"vision_on_cpu": True}):
        assert estimate(model("qwen2-vl-7b-instruct"), Request(**change)).total < small.total


def test_experts_stay_wide_for_bitsandbytes_only():
    one = model("qwen3-vl-30b-a3b-instruct")
    wide = estimate(one, Request()).of("weights")
    assert estimate(one, Request(quant="nf4")).of("weights") > 0.9 * wide
    assert estimate(one, Request(quant="awq4")).of("weights") < 0.35 * wide


def test_cache_knows_groups_windows_and_cross_layers():
    assert kv.token(model("qwen2.5-vl-7b-instruct"), Request()) == 2 * 28 * 4 * 128 * 2
    gemma = model("gemma-3-4b-it")  # 5 sliding layers of 1024 tokens to one full layer
    full, sliding = 34 // 6, 34 - 34 // 6
    assert kv.cache(gemma, Request(), 8192, 0) == (full * 8192 + sliding * 1024) * 2 * 4 * 256 * 2
    llama = model("llama-3.2-11b-vision")
    states = kv.cache(llama, Request(), 100, 1) - kv.cache(llama, Request(), 100, 0)
    assert states == 8 * 4 * 1601 * 2 * 8 * 128 * 2


def test_latent_attention_is_unfolded_by_transformers_only():
    text = {
        "model_type": "deepseek_v3", "hidden_size": 2048, "num_hidden_layers": 10, "num_attention_heads": 16,
        "intermediate_size": 8192, "vocab_size": 1000, "kv_lora_rank": 512, "qk_rope_head_dim": 64,
        "qk_nope_head_dim": 128, "v_head_dim": 128,
    }  # fmt: skip
    one = describe("x", text)
    assert kv.token(one, Request(engine="vllm")) == 10 * (512 + 64) * 2
    assert kv.token(one, Request()) == 10 * 16 * (128 + 64 + 128) * 2
    assert one.unknown == ("language model of type deepseek_v3",)


def test_layers_on_the_cpu():
    one = model("qwen2-vl-7b-instruct")
    whole = estimate(one, Request(engine="llama.cpp", quant="gguf:Q4_K_M"))
    half = estimate(one, Request(engine="llama.cpp", quant="gguf:Q4_K_M", gpu_layers=14))
    assert half.total < 0.75 * whole.total


def test_lisa_quantises_its_head_and_not_its_segmenter():
    lisa, plain = model("lisa-13b-llama2-v1"), Request(dtype="bf16")
    wide = {p.name: p.bytes for p in weights.pieces(lisa, plain)}
    narrow = {p.name: p.bytes for p in weights.pieces(lisa, replace(plain, quant="int8"))}
    assert narrow["lm_head"] * 2 == wide["lm_head"]
    assert narrow["segmenter"] == wide["segmenter"]


def test_unknown_words_are_usage_errors():
    for values in ({"quant": "int3"}, {"quant": "exl2:99"}, {"engine": "tensorrt"}, {"quant": "gguf:Q9"}):
        with pytest.raises(FitError):
            estimate(model("qwen2-vl-7b-instruct"), Request(**values))
    with pytest.raises(FitError, match="no such option"):
        fit("qwen2-vl-7b-instruct", "24", colour="red")


def safetensors(path, tensors):
    header, at = {}, 0
    for name, dtype, shape in tensors:
        size = stored.BITS[dtype] // 8
        for n in shape:
            size *= n
        header[name] = {"dtype": dtype, "shape": shape, "data_offsets": [at, at + size]}
        at += size
    body = json.dumps(header).encode()
    path.write_bytes(struct.pack("<Q", len(body)) + body + bytes(at))


TENSORS = [
    ("model.embed_tokens.weight", "BF16", [1000, 64]),
    ("model.layers.0.self_attn.q_proj.weight", "BF16", [64, 64]),
    ("model.layers.0.self_attn.q_proj.bias", "BF16", [64]),
    ("visual.blocks.0.attn.qkv.weight", "BF16", [96, 32]),
    ("visual.merger.mlp.0.weight", "BF16", [32, 32]),
]


def test_files_on_this_machine_come_first(tmp_path):
    config = dict(profiles.get("qwen2.5-vl-3b-instruct").config)
    (tmp_path / "config.json").write_text(json.dumps(config))
    safetensors(tmp_path / "model.safetensors", TENSORS)
    found = sources.load(str(tmp_path))
    assert {name: count.total for name, count in found.model.parts.items()} == {
        "embeddings": 64000, "language model": 4160, "vision tower": 3072, "projector": 1024,
    }  # fmt: skip
    assert found.model.parts["language model"].linear == 4096
    assert "weight headers" in found.model.source


def test_damaged_files_are_said_and_not_counted(tmp_path):
    config = dict(profiles.get("qwen2.5-vl-3b-instruct").config)
    (tmp_path / "config.json").write_text(json.dumps(config))
    safetensors(tmp_path / "model.safetensors", TENSORS)
    whole = (tmp_path / "model.safetensors").read_bytes()
    (tmp_path / "model.safetensors").write_bytes(whole[:-9])
    found = sources.load(str(tmp_path))
    assert found.model.params == model("qwen2.5-vl-3b-instruct").params
    assert [note.key for note in found.notes] == ["note.files", "note.config", "note.damage"]


def test_a_quantised_checkpoint_weighs_what_its_files_weigh(tmp_path):
    config = {
        **profiles.get("qwen2.5-vl-3b-instruct").config,
        "quantization_config": {"quant_method": "awq", "bits": 4},
    }
    (tmp_path / "config.json").write_text(json.dumps(config))
    packed = ("model.layers.0.mlp.up_proj.qweight", "I32", [64, 64])
    safetensors(tmp_path / "model.safetensors", [*TENSORS, packed])
    found = sources.load(str(tmp_path)).model
    assert found.quantised == "awq4"
    assert sum(p.bytes for p in weights.pieces(found, Request())) == 2 * (64000 + 4160 + 3072 + 1024) + 4 * 4096
    with pytest.raises(FitError, match="quantised already"):
        fit(str(tmp_path), "24", quant="nf4")


def gguf(path, keys, tensors):
    text = lambda s: struct.pack("<Q", len(s)) + s.encode()  # noqa: E731
    body = b"GGUF" + struct.pack("<IQQ", 3, len(tensors), len(keys))
    for name, value in keys.items():
        kind = struct.pack("<I", 8) + text(value) if isinstance(value, str) else struct.pack("<II", 4, value)
        body += text(name) + kind
    end = 0
    for name, shape in tensors:
        size = 4
        for n in shape:
            size *= n
        body += text(name) + struct.pack("<I", len(shape)) + struct.pack(f"<{len(shape)}Q", *shape)
        body += struct.pack("<IQ", 0, end)
        end += size
    path.write_bytes(body + bytes(-len(body) % 32) + bytes(end))


def test_gguf_with_mmproj(tmp_path):
    keys = {
        "general.architecture": "qwen2", "qwen2.block_count": 2, "qwen2.embedding_length": 64, "qwen2.vocab_size": 100,
        "qwen2.attention.head_count": 4, "qwen2.attention.head_count_kv": 2, "qwen2.feed_forward_length": 128,
    }  # fmt: skip
    gguf(tmp_path / "m-Q4_K_M.gguf", keys, [("token_embd.weight", [64, 100]), ("blk.0.ffn_up.weight", [64, 128])])
    gguf(tmp_path / "mmproj.gguf", EYES, [("v.patch_embd.weight", [14, 14, 3, 32]), ("mm.0.weight", [32, 64])])
    found = sources.load(str(tmp_path)).model
    assert found.stored == {"embeddings": 25600, "language model": 32768, "vision tower": 75264, "projector": 8192}
    assert found.language.kv_heads == 2
    for path in (tmp_path, tmp_path / "m-Q4_K_M.gguf"):
        answer = fit(str(path), "8", context=4096)
        assert (answer.request.engine, answer.verdict) == ("llama.cpp", "fits")
        assert answer.budget.image_tokens == (1024 // 28 + 1) * (768 // 28)  # the sides are rounded to 28
    assert kv.cache(found, answer.request, 4096, 0) == 4096 * 2 * 2 * 2 * 16 * 2
    (tmp_path / "mmproj.gguf").unlink()
    alone = fit(str(tmp_path), "8", images=())
    assert "mmproj" in alone.budget.unknown[0]


EYES = {
    "general.architecture": "clip", "clip.projector_type": "qwen2vl_merger", "clip.vision.embedding_length": 32,
    "clip.vision.patch_size": 14, "clip.vision.image_size": 560, "clip.vision.feed_forward_length": 64,
    "clip.vision.block_count": 2, "clip.vision.attention.head_count": 4,
}  # fmt: skip


def test_a_split_file_is_one_model(tmp_path):
    keys = {
        "general.architecture": "llama", "llama.block_count": 2, "llama.embedding_length": 64, "llama.vocab_size": 100,
        "llama.attention.head_count": 4, "llama.attention.head_count_kv": 4, "llama.feed_forward_length": 128,
        "split.count": 2,
    }  # fmt: skip
    gguf(tmp_path / "m-00001-of-00002.gguf", keys, [("token_embd.weight", [64, 100])])
    gguf(tmp_path / "m-00002-of-00002.gguf", {"split.count": 2}, [("output.weight", [64, 100])])
    found = sources.load(str(tmp_path / "m-00001-of-00002.gguf")).model
    assert found.stored == {"embeddings": 25600, "lm_head": 25600}
    # the input table stays on the CPU
    names = [piece.name for piece in estimate(found, Request(engine="llama.cpp", images=())).pieces]
    assert "lm_head" in names
    assert "embeddings" not in names


def test_nothing_found_says_what_was_looked_for(tmp_path):
    with pytest.raises(FitError, match="near names"):
        sources.load("Qwen/Qwen2.5-VL-8B-Instruct")
    with pytest.raises(FitError, match="no such folder"):
        sources.load(str(tmp_path / "gone"))
    with pytest.raises(FitError, match="holds no"):
        sources.load(str(tmp_path))


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=5),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner, max_size=3),
    max_leaves=5,
)


@settings(max_examples=300, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(data=st.data())
def test_a_hostile_configuration_is_an_answer_or_a_fit_error(data):
    config = json.loads(json.dumps(profiles.get(data.draw(st.sampled_from(profiles.names()))).config))
    for _ in range(data.draw(st.integers(1, 3))):
        at = config
        nested = [key for key, value in config.items() if isinstance(value, dict) and value]
        if nested and data.draw(st.booleans()):
            at = config[data.draw(st.sampled_from(nested))]
        at[data.draw(st.sampled_from(sorted(at)))] = data.draw(JSON)
    try:
        one = describe("x", config)
        judge([sources.Loaded(one)], Request(videos=((8, 640, 480),)), devices.parse("24GiB"))
    except FitError:
        pass


def test_a_list_that_holds_lists_is_no_list_of_layers():
    config = json.loads(json.dumps(profiles.get("lisa-13b-llama2-v1").config))
    config["sam_config"]["global_attn_indexes"] = [[], 7, "x"]
    assert describe("x", config).parts


def test_without_devices_this_machine_is_read(monkeypatch):
    gpu = {"index": 0, "name": "NVIDIA L4", "total": 24 * GIB, "free": 23 * GIB}
    snapshot = Snapshot({"gpus": [gpu], "dist.transformers": "4.51.3"})
    monkeypatch.setattr("doctor.collect.live.collect", lambda _request: snapshot)
    answer = fit("qwen2.5-vl-7b-instruct")
    assert (answer.verdict, answer.request.transformers) == ("fits", "4.51.3")
    assert any(note.key == "note.dtype4" for note in answer.notes)


def test_the_package_can_be_called():
    import doctor

    answer = doctor.fit("qwen2-vl-2b-instruct", "24GiB", images=())
    assert answer.verdict == "fits"
    assert doctor.fit.fit is fit
    with pytest.raises(AttributeError):
        _ = doctor.nothing


def test_an_adapter_alone_names_its_model(tmp_path):
    (tmp_path / "adapter_config.json").write_text(json.dumps({"base_model_name_or_path": "Qwen/Qwen2-VL-7B-Instruct"}))
    safetensors(tmp_path / "adapter_model.safetensors", [("x.lora_A.weight", "F32", [8, 64])])
    with pytest.raises(FitError, match="an adapter only, made for Qwen/Qwen2-VL-7B-Instruct"):
        sources.load(str(tmp_path))


@pytest.mark.parametrize(
    ("written", "read"),
    [
        ({"quant_method": "fbgemm_fp8"}, "fp8"),
        ({"quant_method": "compressed-tensors", "config_groups": {"group_0": {"weights": {"num_bits": 4}}}}, "gptq4"),
        ({"quant_method": "compressed-tensors", "config_groups": {"group_0": {"weights": {"num_bits": 8}}}}, "fp8"),
        ({"quant_method": "compressed-tensors"}, "compressed-tensors"),
        ({"quant_method": "mxfp4"}, "mxfp4"),
    ],
)
def test_quantised_configurations_without_readable_weights(tmp_path, written, read):
    config = {**profiles.get("qwen2.5-vl-3b-instruct").config, "quantization_config": written}
    (tmp_path / "config.json").write_text(json.dumps(config))
    found = sources.load(str(tmp_path)).model
    assert found.quantised == read
    assert found.unknown == (() if read in weights.formats() else (f"weights in {read}",))
    answer = fit(str(tmp_path), "24", images=())
    assert answer.verdict == ("fits" if read in weights.formats() else "unknown")


def test_a_vision_file_alone_is_no_whole_model(tmp_path):
    gguf(tmp_path / "mmproj.gguf", EYES, [("v.patch_embd.weight", [14, 14, 3, 32]), ("mm.0.weight", [32, 64])])
    answer = fit(str(tmp_path / "mmproj.gguf"), "8")
    assert answer.verdict == "unknown"
    assert "language model" in answer.budget.unknown[0]


def test_options_of_any_model_hold_what_they_promise():
    import random

    draw = random.Random(11)
    for _ in range(40):
        name, engine = draw.choice(profiles.names()), draw.choice(sorted(options.engines.ENGINES))
        one, request = model(name), Request(engine=engine, images=((draw.randint(200, 3000), 900),), new=1024)
        room = devices.parse(f"{max(1, estimate(one, request).total / GIB * draw.uniform(0.2, 0.95)):.1f}GiB")
        for option in options.nearest(one, request, room):
            assert all(step.flags for step in option.steps)
            if option.cost < 90:
                other, changed = options.changed(one, request, option.steps)
                assert devices.place(other, changed, estimate(other, changed), room)[1], (name, option)


@pytest.mark.parametrize(
    ("engine", "flags"),
    [("vllm", "--tensor-parallel-size 2"), ("lmdeploy", "--tp 2"), ("transformers", 'device_map="auto"')],
)
def test_several_devices_come_with_what_to_write(engine, flags):
    answer = asked("qwen2.5-vl-32b-instruct", "2x40GiB", engine=engine, context=4096)
    assert answer.spread == flags
    for option in answer.options:
        words = [step.flags for step in option.steps]
        assert sum("device_map" in w or "parallel" in w or "--tp" in w or w == "-sm layer" for w in words) <= 1
    assert asked("qwen2.5-vl-7b-instruct", "2x40GiB", engine=engine, context=4096).spread == ""


def test_no_engine_is_proposed_that_lacks_a_class():
    for name in ("lisa-7b-v1", "llama-3.2-11b-vision"):
        answer = asked(name, "12GiB")
        assert answer.options
        assert not any("vllm" in step.flags for option in answer.options for step in option.steps)
    assert "note.noclass" in {note.key for note in asked("llama-3.2-11b-vision", "80GiB", engine="vllm").notes}


def test_lisa_is_told_in_its_own_flags():
    one, two = asked("lisa-7b-v1", "12GiB"), asked("lisa-7b-v1", "2x12GiB")
    assert one.options[0].steps[0].flags == "--precision fp16 --load_in_8bit"
    assert two.fits
    assert "note.lisa" in {note.key for note in two.notes}
    with pytest.raises(FitError, match="its own code"):
        asked("lisa-7b-v1", "80GiB", engine="vllm")
