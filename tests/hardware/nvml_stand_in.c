/* A stand-in for NVIDIA's library, for machines without a GPU: KIND chooses what it answers.
   Only what tfpt-tui asks; the numbers of the errors are those of nvml.h, nvmlReturn_t. */
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

typedef int R;
typedef void *D;
typedef unsigned U;
typedef unsigned long long L;
enum { OK = 0, UNINITIALIZED = 1, NOT_SUPPORTED = 3, NO_PERMISSION = 4, INSUFFICIENT_SIZE = 7, DRIVER_NOT_LOADED = 9,
       IRQ_ISSUE = 11, LIBRARY_NOT_FOUND = 12, FUNCTION_NOT_FOUND = 13, GPU_IS_LOST = 15, RESET_REQUIRED = 16,
       OPERATING_SYSTEM = 17, MISMATCH = 18, UNKNOWN = 999 };

static int is(const char *kind) { const char *own = getenv("KIND"); return own && !strcmp(own, kind); }
static R put(char *to, const char *text) { strcpy(to, text); return OK; }
static R hang(void) { for (;;) pause(); }

const char *nvmlErrorString(R r)
{
    switch (r) {
    case NOT_SUPPORTED: return "Not Supported";
    case NO_PERMISSION: return "Insufficient Permissions";
    case DRIVER_NOT_LOADED: return "Driver Not Loaded";
    case IRQ_ISSUE: return "Interrupt request issue detected";
    case GPU_IS_LOST: return "GPU is lost";
    case RESET_REQUIRED: return "GPU requires restart";
    case OPERATING_SYSTEM: return "GPU access blocked by the operating system";
    case MISMATCH: return "Driver/library version mismatch";
    default: return "Unknown Error";
    }
}

R nvmlInitWithFlags(U flags)
{
    if (is("not loaded")) return DRIVER_NOT_LOADED;
    if (is("no permission")) return NO_PERMISSION;
    if (is("mismatch")) return MISMATCH;
    if (is("blocked")) return OPERATING_SYSTEM;
    if (is("irq")) return IRQ_ISSUE;
    if (is("unknown")) return UNKNOWN;
    if (is("hangs at once")) return hang();
    return OK;
}
R nvmlInit_v2(void) { return nvmlInitWithFlags(0); }
R nvmlShutdown(void) { return OK; }

R nvmlDeviceGetCount_v2(U *n)
{
    if (is("count refused")) return UNKNOWN;
    *n = is("none") ? 0 : is("one lost") ? 2 : 1;
    return OK;
}
R nvmlDeviceGetHandleByIndex_v2(U i, D *d)
{
    if (is("one lost") && i) return GPU_IS_LOST;
    if (is("lost")) return GPU_IS_LOST;
    if (is("reset required")) return RESET_REQUIRED;
    if (is("handle refused")) return NO_PERMISSION;
    *d = (D)(long)(i + 1);
    return OK;
}
R nvmlSystemGetDriverVersion(char *s, U n) { return put(s, is("garbled driver") ? "\xff\xfe" : "580.95"); }
R nvmlSystemGetCudaDriverVersion_v2(int *v)
{
    if (is("wsl")) return NOT_SUPPORTED;
    *v = 13000;
    return OK;
}
R nvmlDeviceGetName(D d, char *s, U n)
{
    if (is("name refused")) return UNKNOWN;
    return put(s, is("garbled") ? "\xf8\x95\xa0" : is("uma") ? "NVIDIA GB10" : is("jetson") ? "Orin (nvgpu)" : "NVIDIA A10");
}
R nvmlDeviceGetUUID(D d, char *s, U n) { return put(s, is("garbled uuid") ? "\x80" : "GPU-12345678-0000"); }

typedef struct { L total, unused, used; } Memory;
R nvmlDeviceGetMemoryInfo(D d, Memory *m)
{
    if (is("uma") || is("jetson")) return NOT_SUPPORTED;
    m->total = is("zero") ? 0 : 24ULL << 30;
    m->used = is("full") ? m->total : 0;
    m->unused = m->total - m->used;
    return OK;
}
typedef struct { U gpu, memory; } Use;
R nvmlDeviceGetUtilizationRates(D d, Use *v)
{
    if (is("mig") || is("jetson") || is("vgpu")) return NOT_SUPPORTED;
    if (is("lost later")) return GPU_IS_LOST;
    v->gpu = 35;
    v->memory = 5;
    return OK;
}
#ifndef OLD
R nvmlDeviceGetPowerUsage(D d, U *p)
{
    if (is("vgpu") || is("jetson")) return NOT_SUPPORTED;
    if (is("hangs later")) return hang();
    *p = 60000;
    return OK;
}
R nvmlDeviceGetMigMode(D d, U *now, U *then) { if (!is("mig")) return NOT_SUPPORTED; *now = *then = 1; return OK; }
R nvmlDeviceGetTotalEnergyConsumption(D d, L *e) { if (is("vgpu")) return NOT_SUPPORTED; *e = 5000; return OK; }
#endif
R nvmlDeviceGetComputeRunningProcesses_v3(D d, U *n, void *p)
{
    if (is("wsl")) return NOT_SUPPORTED;
    *n = 0;
    return OK;
}
