"""Facts about GPUs, the driver and CUDA toolkits."""

from doctor.model.facts.spec import fact

FACTS = (
    fact("gpu.present", "bool", "an NVIDIA device is on the bus (PCI vendor 10de), in WSL or on a Jetson"),
    fact("gpu.count", "int", "GPUs that NVML or nvidia-smi lists"),
    fact("pci.gpus", "records", "display and 3D controllers on the bus", "", vendor="text", device="text"),
    fact("driver.version", "version", "driver version as NVML or nvidia-smi says; absent when no driver answers"),
    fact("driver.branch", "int", "major number of the driver version"),
    fact("driver.cuda", "version", "newest CUDA version the driver serves"),
    fact("driver.kernel_module", "version", "version of the loaded kernel module (/proc/driver/nvidia/version)"),
    fact("driver.open_kernel_module", "bool", "the open kernel modules are loaded"),
    fact("driver.libcuda", "version", "version in the name of the libcuda.so.1 the loader finds"),
    fact("driver.libcuda_path", "path", "that libcuda.so.1", "path"),
    fact("driver.cuinit", "int", "result of cuInit(0) in a child: 0, 100, 803, 804 ..."),
    fact("driver.nvml_error", "text", "what NVML answered when it did not work: its constant's name or a reason"),
    fact("driver.smi_error", "text", "what nvidia-smi said when it did not work", "free"),
    fact("driver.read_by", "text", "nvml or nvidia-smi"),
    fact("driver.fabric_manager", "bool", "nvidia-fabricmanager runs (only asked where NVSwitches are present)"),
    fact("driver.nvswitch", "bool", "NVSwitch devices are present"),
    fact(
        "gpus",
        "records",
        "one record a GPU in NVML order",
        "",
        index="int",
        name="text",
        cc="version",  # compute capability
        total="bytes",
        free="bytes",
        used="bytes",
        display="bool",
        mig="bool",
        compute_mode="text",  # default, exclusive-process, prohibited
        ecc_uncorrected="int",
        remap_pending="bool",
        remap_failed="bool",
        throttle="list",
        persistence="bool",
        temperature="int",
        utilization="int",
        visible="bool",  # by CUDA_VISIBLE_DEVICES
        lost="bool",  # NVML says GPU_IS_LOST
        processes="int",
    ),
    fact("mig.devices", "records", "MIG instances", "", gpu="int", name="text", total="bytes", uuid="text"),
    fact(
        "gpu.processes",
        "records",
        "processes that hold GPU memory",
        "",
        gpu="int",
        pid="int",
        used="bytes",
        name="text",  # program name only, never its arguments
        ours="bool",  # same user
        visible="bool",  # the pid exists in our pid namespace
        zombie="bool",
    ),
    fact(
        "dev.nvidia",
        "records",
        "device nodes /dev/nvidia*, /dev/dxg",
        "",
        path="text",
        readable="bool",
        writable="bool",
    ),
    fact("cuda.visible", "list", "CUDA_VISIBLE_DEVICES as the driver would take it: indices and UUIDs up to the first invalid"),
    fact("cuda.visible_problem", "text", "why an entry of CUDA_VISIBLE_DEVICES ends the list: invalid, duplicate, empty"),
    fact("cuda.toolkits", "records", "CUDA toolkits found", "path", path="path", version="version"),
    fact("cuda.nvcc", "version", "nvcc that a build would use (CUDA_HOME, then PATH)"),
    fact("cuda.nvcc_path", "path", "that nvcc", "path"),
    fact("cuda.home", "path", "CUDA_HOME or CUDA_PATH, else the folder of nvcc", "path"),
)
