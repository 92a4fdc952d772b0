/* A stand-in for libnvidia-ml.so.1 with one card. DOUBLE says what goes wrong where, as "nvmlInit=18;nvmlDeviceGetName=segv":
   a number is returned as the function's error, hang, segv, exit and noise speak for themselves. */
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static int fault(const char *name) {
    const char *at = getenv("DOUBLE");
    size_t length = strlen(name);
    for (; at && *at; at = strchr(at, ';') ? strchr(at, ';') + 1 : "") {
        const char *what = at + length + 1;
        if (strncmp(at, name, length) || at[length] != '=') continue;
        if (!strncmp(what, "hang", 4)) for (;;) pause();
        if (!strncmp(what, "segv", 4)) raise(SIGSEGV);
        if (!strncmp(what, "exit", 4)) _exit(0);
        if (!strncmp(what, "noise", 5)) return puts("hello from the driver"), fflush(stdout), 0;
        return atoi(what);
    }
    return 0;
}

static int told(const char *name, char *out, unsigned room, const char *text) {
    int code = fault(name);
    if (!code) snprintf(out, room, "%s", text);
    return code;
}

__attribute__((constructor)) static void load(void) { fault("load"); }

struct memory { unsigned long long total, free, used; };

int nvmlInitWithFlags(unsigned flags) { return (void)flags, fault("nvmlInit"); }
int nvmlInit_v2(void) { return fault("nvmlInit"); }
int nvmlShutdown(void) { return fault("nvmlShutdown"); }
const char *nvmlErrorString(int code) { return (void)code, fault("nvmlErrorString"), "made up"; }
int nvmlSystemGetDriverVersion(char *out, unsigned room) { return told("nvmlSystemGetDriverVersion", out, room, "550.54.14"); }
int nvmlSystemGetCudaDriverVersion_v2(int *out) { return *out = 12040, fault("nvmlSystemGetCudaDriverVersion"); }
int nvmlDeviceGetCount_v2(unsigned *out) { return *out = 1, fault("nvmlDeviceGetCount"); }
int nvmlDeviceGetHandleByIndex_v2(unsigned i, void **out) { return *out = (char *)0 + i + 1, fault("nvmlDeviceGetHandleByIndex"); }
int nvmlDeviceGetName(void *d, char *out, unsigned room) {
    const char *name = getenv("DOUBLE_NAME");
    return (void)d, told("nvmlDeviceGetName", out, room, name ? name : "NVIDIA GeForce RTX 3090");
}
int nvmlDeviceGetUUID(void *d, char *out, unsigned room) { return (void)d, told("nvmlDeviceGetUUID", out, room, "GPU-1"); }
int nvmlDeviceGetCudaComputeCapability(void *d, int *major, int *minor) { return (void)d, *major = 8, *minor = 6, 0; }
int nvmlDeviceGetMemoryInfo(void *d, struct memory *out) {
    struct memory card = {24ull << 30, 23ull << 30, 1ull << 30};
    return (void)d, *out = card, fault("nvmlDeviceGetMemoryInfo");
}
