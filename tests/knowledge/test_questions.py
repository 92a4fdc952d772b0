"""Answers of the typed access, each with a fact that is known from elsewhere."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from doctor.knowledge import abi, archs, cuda, gpus, libraries, models, pairs, ranges, symbols, versions, wheels

LINUX = "linux_x86_64"


@pytest.mark.parametrize(
    ("torch", "vision", "audio"),
    [("1.13.1+cu117", "0.14.1", "0.13.1"), ("2.1.2", "0.16.2", "2.1.2"), ("2.3.1", "0.18.1", "2.3.1"), ("2.14.0", "0.29.0", "2.11.0"), ("9.0", None, None)],
)
def test_partner(torch, vision, audio):
    assert pairs.partner(torch, "torchvision") == vision
    if audio:
        assert pairs.partner(torch, "TorchAudio") == audio


def test_stable_abi_torchvision_pairs_with_later_torch():
    assert pairs.partner("2.15.0", "torchvision") == "0.29.2"
    assert pairs.stable_abi("0.29.2")
    assert pairs.fits("torchvision", "0.29.2", "2.13.0") is False


def test_pairs_fit_and_do_not():
    assert pairs.fits("torchvision", "0.16.2", "2.1.2+cu118") is True
    assert pairs.fits("torchvision", "0.16.2", "2.1.0") is False
    assert pairs.fits("torchaudio", "2.11.0", "2.5.1") is False
    assert pairs.fits("torchcodec", "0.5", "2.5.1") is None
    assert pairs.torch_for("torchvision", "0.16.2+cu118") == "2.1.2"
    assert pairs.same_cuda("2.1.2+cu118", "torchvision", "0.16.2+cu121") is False
    assert pairs.same_cuda("2.1.2", "torchvision", "0.16.2+cu121") is None


@pytest.mark.parametrize(
    ("driver", "wanted", "answer"),
    [
        ("470.82.01", "11.8", "minor"),
        ("470.82.01", "12.1", "no"),
        ("535.104.05", "12.1", "yes"),
        ("535.104.05", "12.4", "minor"),
        ("535.104.05", "13.0", "no"),
        ("580.65.06", "13.0", "yes"),
        ("580.65.06", "13.2", "minor"),
        ("525.60.13", "11.8", "yes"),
        ("550.40.07", "12.4", "yes"),
        ("garbage", "12.1", None),
        ("550.54", "99.0", None),
    ],
)
def test_serves(driver, wanted, answer):
    assert cuda.serves(driver, wanted) == answer


def test_windows_floor_of_cuda_12_has_a_grey_zone():
    assert cuda.serves("527.40", "12.1", "windows") == "no"
    assert cuda.serves("528.10", "12.1", "windows") is None
    assert cuda.serves("528.33", "12.1", "windows") == "minor"
    assert cuda.serves("536.25", "12.1", "windows") == "yes"


def test_driver_and_variants():
    assert cuda.driver_cuda("572.16") == "12.8"
    assert cuda.driver_cuda("999.1") is None
    assert cuda.newest_variant("535.104.05", ["cu118", "cu121", "cu124"]) == "cu121"
    assert cuda.newest_variant("470.82.01", ["cu118", "cu121"]) == "cu118"
    assert cuda.newest_variant("440.33", ["cu118", "cu121"]) is None
    assert cuda.driver_keeps(590, "7.0") is False
    assert cuda.driver_keeps(590, "7.5") is True
    assert cuda.reaches("12.2", "12.4") == "minor"


@given(st.integers(3, 14), st.integers(0, 9))
def test_a_kernel_never_crosses_a_major_and_never_goes_down(major, minor):
    answer = archs.carries(["sm_80", "sm_86"], f"{major}.{minor}")
    assert answer == ("yes" if major == 8 else "no")


def test_architectures():
    assert archs.carries(["sm_80", "compute_90"], "12.0") == "ptx"
    assert archs.carries(["sm_90a"], "9.0") == "yes"
    assert archs.carries(["sm_120a"], "12.1") == "no"
    assert archs.carries([], "8.0") == "no"
    assert archs.carries(["sm_80"], "?") is None
    assert archs.torch_carries("2.1.2", "12.0") == "no"
    assert archs.torch_carries("2.7.1", "12.0", "cu128") == "yes"
    assert archs.torch_carries("2.9.1", "12.1", "cu130") == "yes"
    assert archs.torch_carries("2.5.1+cpu", "8.6") == "no"
    assert archs.torch_carries("77.0", "8.6") is None
    assert archs.newest_for("3.7", specifier="<2.7") == ("2.6.0", "cu118")
    assert archs.torch_carries("2.9.1", "12.0", "cu128", "win_amd64") == "yes"
    assert archs.torch_carries("2.6.0", "12.0", "cu118") == "no"
    assert archs.newest_for("8.6", "470.82.01") == ("2.7.1", "cu118")


def test_wheels():
    assert wheels.platform("windows", "AMD64") == "win_amd64"
    assert wheels.has_wheel("torch", "1.13.1", "cp312", LINUX) is False
    assert wheels.has_wheel("vllm", "0.33.0", "cp312", LINUX) is True
    assert wheels.has_wheel("flash-attn", "2.7.3", "cp311", LINUX) is False
    assert wheels.needs_build("flash-attn", "2.7.3") is True
    assert wheels.has_wheel("numpy", "1.26.4", "cp312", "win_amd64") is True
    assert wheels.has_wheel("xformers", "0.0.20", "cp313", "win_amd64") is False
    assert wheels.has_wheel("xformers", "99.0", "cp313", "win_amd64") is None
    assert wheels.newest_wheel("torch", "cp38", LINUX) == "2.4.1"
    assert wheels.source("2.1.2", LINUX, "cu118") == ("2.1.2+cu118", "https://download.pytorch.org/whl/cu118")
    assert wheels.source("2.1.2", LINUX, "cu121") == ("2.1.2", None)
    assert wheels.source("2.1.2", LINUX, "cu124") is None
    pins, url = wheels.trio("2.5.1", "win_amd64", "cu124")
    assert pins == ["torch==2.5.1+cu124", "torchvision==0.20.1+cu124", "torchaudio==2.5.1+cu124"]
    assert url == "https://download.pytorch.org/whl/cu124"
    assert wheels.trio("2.15.0", LINUX) == (["torch==2.15.0", "torchvision==0.29.2", "torchaudio==2.11.0"], None)
    assert wheels.trio("2.14.1", LINUX, "cu126")[0] == ["torch==2.14.1+cu126", "torchvision==0.29.1", "torchaudio==2.11.0"]
    assert wheels.trio("2.14.1", LINUX, "cu132")[0] == ["torch==2.14.1+cu132", "torchvision==0.29.1"]
    assert wheels.glibc_floor("2.15.0") == "2.28"


def test_ranges():
    assert ranges.requires("transformers", "4.37.2", "tokenizers") == "<0.19,>=0.14"
    assert ranges.accepts("transformers", "4.37.2", "tokenizers", "0.22.1") is False
    assert ranges.requirements("transformers", "99.0") is None
    assert ranges.window("peft", "0.16.0", "transformers") == ("4.43.0", "4.57.6", ())
    assert ranges.accepts("peft", "0.14.0", "transformers", "4.37.2") is False
    assert ranges.nearest_accepting("peft", "0.14.0", "transformers", "4.37.2") == "0.13.2"
    assert ranges.newest_accepted("gradio", "4.20.0", "huggingface-hub") == "0.36.2"
    assert not [r for r in ranges.requirements("torch", "2.1.2+cu118") if r.startswith("nvidia")]
    assert [r for r in ranges.requirements("torch", "2.1.2+cu121") if r.startswith("nvidia")]


def test_a_marker_with_an_unknown_variable_is_not_judged_by_our_own_interpreter():
    line = 'numpy<2; python_version < "3.9"'
    assert ranges.applies(line, ranges.environment("linux", "x86_64", None)) is None
    assert ranges.applies(line, ranges.environment("linux", "x86_64", "3.8.2")) is True
    assert ranges.applies(line, ranges.environment("linux", "x86_64", "3.12.2")) is False


def test_symbols():
    assert symbols.exists("huggingface_hub.cached_download", "0.26.0") is False
    assert symbols.exists("huggingface_hub.cached_download", "0.25.2") is True
    assert symbols.until("huggingface_hub.cached_download") == "0.25.2"
    assert symbols.nearest_with("transformers.AutoModelForVision2Seq", "5.1.0") == "4.57.6"
    assert symbols.exists("transformers.HybridCache", "5.0.0") is False
    assert symbols.exists("transformers.Llama4ImageProcessor", "5.1.0") is False
    assert symbols.exists("transformers.Llama4ImageProcessor", "4.52.0") is True
    assert symbols.exists("transformers.NoSuchThing", "4.52.0") is None
    assert symbols.exists("os.path", "1.0") is None


def test_a_class_of_an_old_family_may_be_older_than_its_line_in_the_auto_maps():
    assert symbols.since("transformers.CLIPVisionModel") == "4.36.0"
    assert symbols.family_older("transformers.CLIPVisionModel", "4.31.0")
    assert not symbols.family_older("transformers.Qwen2VLForConditionalGeneration", "4.44.2")
    assert not symbols.family_older("transformers.LlavaForConditionalGeneration", "4.31.0")
    assert not symbols.family_older("transformers.utils.CLIPVisionModel", "4.31.0")


def test_models():
    assert models.supports("qwen2_5_vl", "4.48.0") is False
    assert models.supports("qwen2_5_vl", "4.49.0.dev0") is None
    assert models.supports("qwen2_5_vl", "4.57.1") is True
    assert models.supports("qwen2_5_vl", "99.0") is None
    assert models.supports("unheard_of", "4.57.1") is None
    assert models.supports("code_llama", "5.6.0") is False
    assert models.nearest_supporting("qwen2_5_vl", "4.40.0") == "4.49.0"
    assert "trust_remote_code" in models.outside("internvl_chat")["needs"]


GIB = 2**30


@pytest.mark.parametrize(
    ("name", "cc", "gib"),
    [
        ("NVIDIA A100-SXM4-80GB", "8.0", 80),
        ("NVIDIA A100-PCIE-40GB", "8.0", 40),
        ("A100", "8.0", None),
        ("Tesla T4", "7.5", 16),
        ("Tesla V100-SXM2-32GB", "7.0", 32),
        ("NVIDIA GeForce RTX 4090", "8.9", 24),
        ("NVIDIA GeForce RTX 4090 Laptop GPU", "8.9", 16),
        ("NVIDIA GeForce RTX 4080 Laptop GPU", "8.9", None),
        ("NVIDIA GeForce RTX 3080", "8.6", None),
        ("NVIDIA GeForce RTX 5090 D", "12.0", None),
        ("NVIDIA H100 80GB HBM3", "9.0", 80),
        ("NVIDIA RTX 6000 Ada Generation", "8.9", 48),
        ("Quadro RTX 6000", "7.5", 24),
        ("NVIDIA TITAN RTX", "7.5", 24),
        ("Orin (nvgpu)", "8.7", None),
        ("NVIDIA A100-SXM4-80GB MIG 1g.10gb", "8.0", None),
    ],
)
def test_cards(name, cc, gib):
    found = gpus.find(name)
    assert (found.cc, found.total) == (cc, gib * GIB if gib else None)


@pytest.mark.parametrize("name", ["NVIDIA RTX 6000", "GPU", "", "AMD Radeon RX 7900", "NVIDIA", "RTX", "\x1b[31m"])
def test_a_name_that_is_not_certain_is_no_card(name):
    assert gpus.find(name) is None


def test_numpy_abi():
    assert abi.loads("scipy", "1.11.4", "2.2.6") is False
    assert abi.loads("scipy", "1.13.1", "2.2.6") is True
    assert abi.loads("torch", "2.1.2", "2.0.0") is False
    assert abi.headers("torch", "2.3.0", "cp38") == 1
    assert abi.headers("opencv_python", "4.9.0.80") == 1
    assert abi.headers("requests", "2.0") is None
    assert abi.first_for_numpy2("torch") == "2.3.0"


def test_versions():
    assert versions.newest("transformers", "<4.38") == "4.37.2"
    assert versions.candidates("unheard-of") == ()
    assert versions.nearest("transformers", "4.37.2", ">=4.49") == "4.49.0"
    assert versions.at_most("torch", "2.5.99") == "2.5.1"
    assert versions.accepts(">=1", "not a version") is None
    assert versions.accepts("==2.1.2", "2.1.2+cu118") is True
    assert "5.23.0" in versions.candidates("transformers")


@given(st.text(max_size=40))
def test_no_text_makes_an_answer_raise(text):
    assert gpus.find(text) is None or gpus.find(text).cc
    cuda.serves(text, "12.1")
    cuda.serves("550.1", text)
    symbols.exists(text, text)
    models.supports(text, text)
    pairs.partner(text, "torchvision")
    pairs.fits("torchvision", text, "2.1")
    wheels.has_wheel(text, text, "cp311", LINUX)
    ranges.accepts(text, text, text, text)
    archs.carries([text], text)
    abi.loads("scipy", text, text)


def test_libraries():
    assert libraries.transformers_minimum("5.23.0", "torch") == "2.6"
    assert libraries.transformers_minimum("4.39.2", "torch") is None
    assert libraries.transformers_reads("5.23.0", "TRANSFORMERS_CACHE") is False
    assert libraries.transformers_reads("4.39.2", "TRANSFORMERS_CACHE") is True
    assert libraries.transformers_reads("4.39.2", "HOME") is None
    assert libraries.takes_load_in_4bit("5.23.0") is False
    assert libraries.torch_load_needs_2_6("4.39.2") is False
    assert libraries.transformers_extra("4.39.2", "vision") == ["pillow<=15.0,>=10.0.1"]
    assert libraries.hub_reads("0.9.0", "HF_HUB_OFFLINE") is False
    assert libraries.hub_scripts("1.0.0") == ("hf", "tiny-agents")
    assert libraries.hub_scripts("0.20.0") == ("huggingface-cli",)
    assert libraries.bnb_cuda("0.50.2")[-1] == "13.2"
    assert libraries.bnb_serves("0.50.2", "12.1.105") is True
    assert libraries.bnb_serves("0.50.2", "11.7") is False
    assert libraries.bnb_for("11.8", "2.1.2") == "0.45.5"
    assert libraries.bnb_imports_scipy("0.41.1") is True
    assert libraries.bnb_imports_scipy("0.47.0") is False
    assert libraries.allocator_knows("2.0.1", "expandable_segments") is False
    assert libraries.allocator_knows("2.15.0", "no_such_option") is None
    assert libraries.cxx11_abi("2.6.0") is False
    assert libraries.project_pins("lisa")["torch"] == "==1.13.1"
    assert libraries.project_pins("qwen-vl") is None


@pytest.mark.parametrize("text", ["1" * 9000, "9." * 5000, ">=" + "1" * 9000, "((" * 4000, "\x00", "==1.*.*", "v" * 10**6])
def test_absurd_versions_and_requirements_are_not_readable_or_harmless(text):
    assert versions.parse(text) is None
    assert versions.accepts(f">={text}", "1.0") in (None, False)
    env = ranges.environment("linux", "x86_64", "3.10")
    for line in (text, f"numpy>={text}", f'numpy; python_version < "{text}"', f"numpy; {text}"):
        assert ranges.applies(line, env) in (None, True, False)
    assert ranges.environment("linux", "x86_64", text)["extra"] == ""


def test_a_release_between_two_read_contracts_gets_the_stricter_of_both():
    assert ranges.window("gradio", "5.0.0", "huggingface-hub")[1] == "0.36.2"
    assert ranges.imports_from("gradio", "5.7.0", "huggingface-hub", "1.1.2") is False
    assert ranges.imports_from("gradio", "5.7.1", "huggingface-hub", "1.1.2") is True
    assert ranges.window("gradio", "1.0.0", "huggingface-hub") is None


def test_names_that_libraries_took_away():
    from doctor.knowledge import removed

    assert removed.named("markupsafe", "soft_unicode")["gone"] == "2.1.0"
    assert removed.named("pytorch_lightning.utilities.distributed", "rank_zero_only")["dist"] == "pytorch-lightning"
    assert removed.named("markupsafe", "escape") is None
    found = list(removed.importers({"flask": "1.1.4", "jinja2": "3.1.6", "werkzeug": "2.0.3"}))
    assert [(by, row["name"]) for by, row in found] == [("flask", "escape")]


def test_generated_code_asks_for_its_protobuf():
    assert abi.generated_for("sentencepiece", "0.2.3") == "7.36.1"
    assert abi.generated_for("sentencepiece", "0.2.0") is None
    assert abi.generated_for("numpy", "2.0.0") is None


def test_what_a_module_imports_is_no_export_of_the_package():
    assert symbols.span("transformers.PretrainedConfig") is None, "cache_utils only imports it, and that from 4.38 on"
    assert symbols.span("transformers.SinkCache")[:2] == ("4.36.0", "4.57.6")
