"""A description of the machine that the benchmarks ran on."""
import os
import platform
import re
import time
from pathlib import Path


def field(file, key):
    found = re.search(rf"^{key}\s*:\s*(.+)$", Path(file).read_text(), re.MULTILINE)
    return found[1] if found else "unknown"


def busy_share(seconds=1.0):
    """The share of the processors' time that others use, while this program waits."""

    def times():
        numbers = [int(n) for n in Path("/proc/stat").read_text().split("\n")[0].split()[1:]]
        return sum(numbers), numbers[3] + numbers[4]

    before = times()
    time.sleep(seconds)
    total, idle = (after - earlier for after, earlier in zip(times(), before))
    return 1 - idle / max(total, 1)


def describe(threads):
    memory = int(field("/proc/meminfo", "MemTotal").split()[0]) / 2**20
    return {
        "processor": field("/proc/cpuinfo", "model name"),
        "cores": len(os.sched_getaffinity(0)),
        "threads": threads,
        "memory": f"{memory:.0f} GiB",
        "system": f"{platform.freedesktop_os_release()['PRETTY_NAME']}, Linux {platform.release()}",
        "date": time.strftime("%Y-%m-%d"),
    }
