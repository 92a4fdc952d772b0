import time

from doctor.knowledge.derive import changed, derive
from doctor.model import Snapshot

BASE = {"os.name": "linux", "os.arch": "x86_64", "python.version": "3.10.12"}


def snapshot(closed=("dist", "env"), **dists):
    facts = {f"dist.{name.replace('_', '-')}": version for name, version in dists.items()}
    return Snapshot({**BASE, **facts}, closed=frozenset(closed))


def test_torch_from_its_local_part():
    found = derive(snapshot(torch="2.1.2+cu118")).facts
    assert (found["torch.build"], found["torch.cuda"]) == ("cuda", "11.8")
    assert "sm_37" in found["torch.arch_list"]


def test_torch_from_the_default_wheel_only_where_the_platform_is_known():
    assert derive(snapshot(torch="2.1.2")).facts["torch.cuda"] == "12.1"
    windows = derive(snapshot(torch="2.1.2").with_facts({"os.name": "windows", "os.arch": "AMD64"})).facts
    assert (windows["torch.build"], windows["torch.cuda"]) == ("cpu", None)
    nowhere = derive(Snapshot({"dist.torch": "2.1.2"})).facts
    assert "torch.cuda" not in nowhere
    assert "torch.build" not in nowhere


def test_a_conda_build_is_not_taken_for_the_default_wheel():
    found = derive(snapshot(torch="2.1.2").with_facts({"torch.package": "conda"})).facts
    assert "torch.cuda" not in found


def test_known_facts_stay():
    before = snapshot(torch="2.1.2+cu118").with_facts({"torch.cuda": "12.1", "driver.version": "535.1", "driver.cuda": "12.9"})
    found = derive(before).facts
    assert (found["torch.cuda"], found["driver.cuda"], found["driver.branch"]) == ("12.1", "12.9", 535)


def test_gpus_gain_what_their_name_tells():
    found = derive(Snapshot({"gpus": [{"name": "NVIDIA GeForce RTX 3090"}, {"name": "?"}]})).facts
    assert found["gpus"][0]["cc"] == "8.6"
    assert "cc" not in found["gpus"][1]
    assert (found["gpu.count"], found["gpu.present"]) == (2, True)


def test_unmet_names_what_asks_for_what():
    rows = derive(snapshot(transformers="4.37.2", tokenizers="0.22.1", numpy="1.26.4")).facts["python.unmet"]
    row = next(row for row in rows if row["needs"] == "tokenizers")
    assert row == {"dist": "transformers", "version": "4.37.2", "needs": "tokenizers", "spec": "<0.19,>=0.14", "found": "0.22.1"}
    assert any(row["needs"] == "huggingface-hub" and row["found"] is None for row in rows)


def test_a_listing_with_holes_does_not_claim_that_something_is_missing():
    rows = derive(snapshot(closed=(), transformers="4.37.2", tokenizers="0.15.2")).facts["python.unmet"]
    assert rows == []


def test_a_text_that_does_not_name_the_processor_is_of_a_pc():
    told = snapshot(closed=(), torch="2.5.1+cu124", triton="3.2.0").with_facts({"os.name": "linux", "python.version": "3.11"})
    assert [row["needs"] for row in derive(told).facts["python.unmet"]] == ["triton"]


def test_the_probe_s_own_answer_stays():
    assert derive(snapshot(transformers="4.37.2").with_facts({"python.unmet": []})).facts["python.unmet"] == []


def test_a_change_is_judged_again_and_rows_of_unknown_packages_are_looked_at_again():
    old = [
        {"dist": "mystery", "version": "1", "needs": "tokenizers", "spec": "<0.16", "found": "0.22.1"},
        {"dist": "mystery", "version": "1", "needs": "numpy", "spec": "<1.20", "found": "1.26.4"},
    ]
    lines = {"mystery2": ["tokenizers>=0.20"]}
    before = snapshot(transformers="4.37.2", tokenizers="0.22.1", numpy="1.26.4", mystery="1", mystery2="1")
    after = changed(before.with_facts({"python.unmet": old, "python.requires": lines}), {"Tokenizers": "0.15.2"})
    rows = {(row["dist"], row["needs"]) for row in after.facts["python.unmet"]}
    assert ("mystery", "tokenizers") not in rows
    assert ("mystery", "numpy") in rows
    assert ("mystery2", "tokenizers") in rows
    assert ("transformers", "tokenizers") not in rows


def test_a_change_of_torch_forgets_what_the_old_files_said():
    before = derive(snapshot(torch="2.1.2+cu118").with_facts({"torch.cxx11_abi": False, "ext.problems": [{"dist": "torch"}]}))
    after = changed(before, {"torch": "2.7.0"}).facts
    assert (after["torch.version"], after["torch.cuda"]) == ("2.7.0", "12.6")
    assert "torch.cxx11_abi" not in after
    assert after["ext.problems"] == []


def test_a_removal():
    after = changed(snapshot(numpy="2.0", scipy="1.11.4"), {"scipy": None})
    assert after.look("dist.scipy") == (True, None)
    assert not after.facts["python.unmet"]


def test_nvidia_pins():
    found = derive(snapshot(torch="2.1.2", nvidia_cublas_cu12="12.1.3.1")).facts["python.nvidia_pins"]
    by_name = {row["name"]: row["ok"] for row in found}
    assert by_name["nvidia-cublas-cu12"] is True
    assert by_name["nvidia-nccl-cu12"] is False
    assert "python.nvidia_pins" not in derive(snapshot(torch="2.1.2+cu118")).facts


def test_offline():
    assert derive(Snapshot({"env.HF_HUB_OFFLINE": "YES"})).facts["hf.offline"] is True
    assert "hf.offline" not in derive(Snapshot({"env.HF_HUB_OFFLINE": "0"})).facts
    assert derive(Snapshot({"env.HF_HUB_OFFLINE": "0"}, closed=frozenset({"env"}))).facts["hf.offline"] is False


def test_deriving_twice_changes_nothing():
    once = derive(snapshot(torch="2.1.2", transformers="4.37.2", numpy="2.0.0", scipy="1.11.4"))
    assert derive(once) == once


def test_deriving_is_cheap():
    dists = {f"package_{number}": "1.0" for number in range(40)}
    full = snapshot(torch="2.1.2+cu118", transformers="4.37.2", vllm="0.6.0", gradio="4.16.0", numpy="2.0", **dists)
    derive(full)
    start = time.perf_counter()
    for _ in range(20):
        derive(full)
    assert (time.perf_counter() - start) / 20 < 0.02  # 0.2 ms measured; generous for a busy machine


def test_torchvision_and_bitsandbytes_builds():
    found = derive(snapshot(torch="2.1.2", torchvision="0.16.2", torchaudio="2.1.2+cu118", bitsandbytes="0.43.3")).facts
    assert (found["torchvision.cuda"], found["torchvision.build"]) == ("12.1", "cuda")
    assert found["torchaudio.cuda"] == "11.8"
    assert "12.1" in found["bnb.cuda_binaries"]
    after = changed(snapshot(bitsandbytes="0.43.3").with_facts({"bnb.cuda_binaries": []}), {"bitsandbytes": "0.50.2"})
    assert "13.2" in after.facts["bnb.cuda_binaries"]


def test_a_build_without_cuda_is_not_overruled_by_the_default_wheel():
    found = derive(snapshot(torch="2.1.2").with_facts({"torch.cuda": None})).facts
    assert "torch.build" not in found
    assert "torch.arch_list" not in found
