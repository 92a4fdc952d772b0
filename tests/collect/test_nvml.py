"""The NVML reader against a made-up pynvml, and the reader of nvidia-smi's report."""

import sys
import types

import pytest

from doctor.collect import nvml, smi


class Out:
    """The wire's interface."""

    def __init__(self):
        self.table, self.missing = {}, {}
        self.facts = self.table.update

    def fact(self, name, value):
        self.table[name] = value

    def unread(self, name, why):
        self.missing[name] = why


class NVMLError(Exception):
    def __init__(self, value):
        super().__init__(value)
        self.value = value

    def __str__(self):
        raise AssertionError("str(error) calls back into the library")


def memory(total, free, used):
    return types.SimpleNamespace(total=total, free=free, used=used)


def double(**changes):
    """A pynvml with two cards; a value that is an exception is raised."""
    answers = {
        "nvmlInit": None,
        "nvmlSystemGetDriverVersion": "550.54.14",
        "nvmlSystemGetCudaDriverVersion": 12040,
        "nvmlDeviceGetCount": 2,
        "nvmlDeviceGetHandleByIndex": lambda index: index,
        "nvmlDeviceGetName": "NVIDIA GeForce RTX 3090",
        "nvmlDeviceGetUUID": lambda h: f"GPU-{h}",
        "nvmlDeviceGetCudaComputeCapability": (8, 6),
        "nvmlDeviceGetMemoryInfo": memory(24 << 30, 20 << 30, 4 << 30),
        "nvmlDeviceGetMigMode": (0, 0),
        "nvmlDeviceGetComputeMode": 3,
        "nvmlDeviceGetCurrentClocksThrottleReasons": 0x41,
        "nvmlDeviceGetRemappedRows": (0, 0, 1, 0),
        "nvmlDeviceGetComputeRunningProcesses": [types.SimpleNamespace(pid=999999999, usedGpuMemory=1 << 30)],
        "nvmlDeviceGetGraphicsRunningProcesses": [],
        "nvmlSystemGetProcessName": "/opt/py/bin/python train.py --token x",
        **changes,
    }

    def call(answer):
        def function(*args):
            if isinstance(answer, BaseException):
                raise answer
            return answer(*args) if callable(answer) else answer

        return function

    module = types.ModuleType("pynvml")
    vars(module).update({name: call(answer) for name, answer in answers.items()})
    vars(module).update(NVML_ERROR_NO_PERMISSION=4, NVML_ERROR_LIBRARY_NOT_FOUND=12, NVML_ERROR_GPU_IS_LOST=15, NVML_ERROR_DRIVER_NOT_LOADED=9)
    return module


def read(monkeypatch, **changes):
    monkeypatch.setitem(sys.modules, "pynvml", double(**changes))
    monkeypatch.delenv("CUDA_DEVICE_ORDER", raising=False)
    out = Out()
    nvml._Reader(out).read()
    return out.table, out.missing


def test_healthy_machine(monkeypatch):
    monkeypatch.setenv("CUDA_VISIBLE_DEVICES", "1")
    facts, missing = read(monkeypatch)
    assert missing == {}
    assert (facts["driver.version"], facts["driver.branch"], facts["driver.cuda"]) == ("550.54.14", 550, "12.4")
    first, second = facts["gpus"]
    assert (first["cc"], first["total"], first["compute_mode"]) == ("8.6", 24 << 30, "exclusive-process")
    assert (first["visible"], second["visible"]) == (False, True)
    assert first["throttle"] == ["gpu-idle", "hw-thermal"]
    assert (first["remap_pending"], first["remap_failed"], first["lost"]) == (True, False, False)
    assert "temperature" not in first  # not read, so not known
    assert facts["driver.nvml_error"] is None


def test_process_names_carry_no_arguments(monkeypatch):
    facts, _ = read(monkeypatch)
    process = facts["gpu.processes"][0]
    assert (process["name"], process["visible"], process["used"]) == ("python", False, 1 << 30)


@pytest.mark.parametrize(("value", "name"), [(9, "NVML_ERROR_DRIVER_NOT_LOADED"), (4, "NVML_ERROR_NO_PERMISSION"), (77, "NVML error 77")])
def test_errors_are_named_without_asking_the_library(monkeypatch, value, name):
    facts, _ = read(monkeypatch, nvmlInit=NVMLError(value))
    assert facts == {"driver.nvml_error": name}


def test_library_that_cannot_be_loaded_says_why(monkeypatch):
    def refuse(_name):
        raise OSError("/opt/x/libnvidia-ml.so.1: file too short")

    monkeypatch.setattr(nvml.ctypes, "CDLL", refuse)
    facts, _ = read(monkeypatch, nvmlInit=NVMLError(12))
    assert facts["driver.nvml_error"].endswith("libnvidia-ml.so.1: file too short")


def test_a_lost_gpu_leaves_the_others(monkeypatch):
    def handle(index):
        if index == 0:
            raise NVMLError(15)
        return index

    facts, _ = read(monkeypatch, nvmlDeviceGetHandleByIndex=handle)
    assert facts["gpus"][0] == {"index": 0, "lost": True}
    assert facts["gpus"][1]["total"] == 24 << 30
    assert facts["_silent"] == {"gpus.0": "NVML_ERROR_GPU_IS_LOST"}


def test_a_gpu_that_cannot_be_opened_counts_as_lost(monkeypatch):
    """nvidia-smi: Unable to determine the device handle for GPU...: Unknown Error"""
    facts, _ = read(monkeypatch, nvmlDeviceGetHandleByIndex=NVMLError(999), nvmlDeviceGetMigMode=NVMLError(999))
    assert [gpu["lost"] for gpu in facts["gpus"]] == [True, True]
    other, _ = read(monkeypatch, nvmlDeviceGetRemappedRows=NVMLError(999))
    assert [gpu["lost"] for gpu in other["gpus"]] == [False, False]


@pytest.mark.parametrize("wrong", [memory(0, 0, 0), memory(2**64 - 1, 0, 0), NVMLError(3)])
def test_implausible_memory_is_left_out(monkeypatch, wrong):
    facts, _ = read(monkeypatch, nvmlDeviceGetMemoryInfo=wrong)
    assert "total" not in facts["gpus"][0]
    assert "gpus.0.total" in facts["_silent"]


def test_name_that_is_no_text(monkeypatch):
    facts, _ = read(monkeypatch, nvmlDeviceGetName=UnicodeDecodeError("utf-8", b"NV\xff\xfe\0junk", 2, 3, "bad"))
    assert facts["gpus"][0]["name"] == "NV\\xff\\xfe"


@pytest.mark.parametrize("count", [4_000_000_000, -1])
def test_absurd_count(monkeypatch, count):
    facts, missing = read(monkeypatch, nvmlDeviceGetCount=count)
    assert "gpus" not in facts
    assert "implausible" in missing["gpu.count"]


def test_foreign_exceptions_do_not_end_it(monkeypatch):
    facts, _ = read(monkeypatch, nvmlDeviceGetComputeRunningProcesses=RuntimeError("mismatch"), nvmlDeviceGetMigMode=ValueError("x"))
    assert len(facts["gpus"]) == 2


def test_mig_instances(monkeypatch):
    facts, _ = read(
        monkeypatch, nvmlDeviceGetCount=1, nvmlDeviceGetMigMode=(1, 1), nvmlDeviceGetMaxMigDeviceCount=2,
        nvmlDeviceGetMigDeviceHandleByIndex=lambda _h, n: n if n == 0 else (_ for _ in ()).throw(NVMLError(6)),
    )
    assert facts["mig.devices"] == [{"gpu": 0, "name": "NVIDIA GeForce RTX 3090", "uuid": "GPU-0", "total": 24 << 30}]


XML = b"""<?xml version="1.0" ?><nvidia_smi_log>
<driver_version>535.104.05</driver_version><cuda_version>12.2</cuda_version><attached_gpus>2</attached_gpus>
<gpu id="00000000:01:00.0"><product_name>NVIDIA A10</product_name><persistence_mode>Enabled</persistence_mode>
<mig_mode><current_mig>N/A</current_mig></mig_mode><compute_mode>Default</compute_mode>
<fb_memory_usage><total>23028 MiB</total><reserved>500 MiB</reserved><used>1 MiB</used><free>22500 MiB</free></fb_memory_usage></gpu>
<gpu id="00000000:02:00.0"><product_name>[N/A]</product_name><fb_memory_usage><total>[N/A]</total></fb_memory_usage></gpu>
</nvidia_smi_log>"""


def test_smi_report():
    facts = smi.parse(XML)
    assert (facts["driver.version"], facts["driver.cuda"], facts["gpu.count"]) == ("535.104.05", "12.2", 2)
    first, second = facts["gpus"]
    assert first == {
        "index": 0, "name": "NVIDIA A10", "total": 23028 << 20, "free": 22500 << 20, "used": 1 << 20,
        "persistence": True, "compute_mode": "default",
    }
    assert second == {"index": 1}


def test_smi_report_as_text():
    text = b"Driver Version                            : 550.127.05\nGPU 00000000:01:00.0\n    Product Name                          : A\n"
    assert smi.parse(text)["gpus"] == [{"index": 0, "name": "A"}]


@pytest.mark.parametrize("junk", [b"", b"\xff" * 5000, b"<driver_version>evil; rm</driver_version>", b"No devices were found\n"])
def test_smi_garbage_gives_nothing(junk):
    assert smi.parse(junk) == {}


def test_smi_that_prints_its_table_whatever_is_asked():
    table = b"""| NVIDIA-SMI 535.183.01      Driver Version: 535.183.01   CUDA Version: 12.2     |
|   0  Tesla T4                       On  | 00000000:00:1E.0 Off |                    0 |
| N/A   34C    P8              10W /  70W |      2MiB / 15360MiB |      0%      Default |
"""
    facts = smi.parse(table)
    assert (facts["driver.version"], facts["driver.cuda"], facts["gpu.count"]) == ("535.183.01", "12.2", 1)
    assert facts["gpus"] == [{"index": 0, "name": "Tesla T4", "total": 15360 << 20, "used": 2 << 20, "free": 15358 << 20}]


def test_smi_s_words_stand_for_an_answer_of_nvml():
    assert smi.meaning(b"Failed to initialize NVML: Driver/library version mismatch\n") == "NVML_ERROR_LIB_RM_VERSION_MISMATCH"
    assert smi.meaning(b"NVIDIA-SMI has failed because it couldn't communicate with the NVIDIA driver.") == "NVML_ERROR_DRIVER_NOT_LOADED"
    assert smi.meaning(b"No devices were found\n") is None


def test_smi_complaints():
    assert smi.complaint("exit 9", b"\nNVIDIA-SMI has failed\nmore") == "exit 9: NVIDIA-SMI has failed"
    assert smi.complaint("ok", b"") == "its report was not understood: it printed nothing"
    assert smi.complaint("no answer in 4.0 s", b"").startswith("no answer")


def test_nvidia_smi_that_names_a_driver_and_no_card():
    from doctor.collect import smi

    told = smi.parse(b"<nvidia_smi_log><driver_version>550.54.15</driver_version></nvidia_smi_log>")
    assert told["driver.version"] == "550.54.15"
    assert told["gpus"] == []
