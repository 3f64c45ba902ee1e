"""200 concurrent processes on one model: all finish, with the same bytes, and the file is in memory once."""
import select
import warnings
from pathlib import Path

from program import KAFKA, MODEL, TIME_LIMIT

PROCESSES = 200
MEBI = 1 << 20
PRIVATE = 45 * MEBI  # what one of them needs for itself, and a quarter more
# More than a pipe holds: with its model loaded, each waits for us to read.
COMMAND = ["similarity", " ".join([KAFKA] * 3), "--across", "tokens", "--json", "--threads", 1]


def available_memory():
    lines = dict(line.split(":") for line in Path("/proc/meminfo").read_text(encoding="ascii").splitlines())
    return int(lines["MemAvailable"].split()[0]) * 1024


def memory(pid, name=""):
    """The kernel's sizes of the process's mappings, or of those of the file `name`, in bytes, by their keys."""
    total, inside = {}, False
    for line in Path(f"/proc/{pid}/smaps").read_text(encoding="utf-8").splitlines():
        key, *rest = line.split(maxsplit=1)
        if not key.endswith(":"):
            inside = not name or line.endswith("/" + name)
        elif inside and rest[0].endswith(" kB"):
            total[key[:-1]] = total.get(key[:-1], 0) + int(rest[0].split()[0]) * 1024
    return total


def test_200_processes_share_the_model(stratoscope, capsys):
    count = min(PROCESSES, (available_memory() - 1024 * MEBI) // PRIVATE)
    if count < PROCESSES:
        warnings.warn(f"memory for {count} processes only, not for {PROCESSES}")
    assert count > 1
    processes = [stratoscope.start(*COMMAND) for _ in range(count)]
    try:
        for process in processes:
            assert select.select([process.stdout], [], [], TIME_LIMIT)[0], "nothing is printed"
        whole = [memory(process.pid) for process in processes]
        model = [memory(process.pid, "model.safetensors") for process in processes]
        results = {process.communicate(timeout=TIME_LIMIT) for process in processes}
    finally:
        for process in processes:
            process.kill()
            process.wait()
    assert [process.returncode for process in processes] == [0] * count
    assert len(results) == 1, "every process says the same"
    assert all(each["Private_Dirty"] == 0 for each in model)
    resident, share = (sum(each[key] for each in model) for key in ("Rss", "Pss"))
    size = (MODEL / "model.safetensors").stat().st_size
    with capsys.disabled():
        mean = {key: sum(each[key] for each in whole) / count / MEBI for key in ("Rss", "Pss", "Private_Dirty")}
        print(f"\n{count} processes, MiB each: {mean['Rss']:.1f} resident, {mean['Private_Dirty']:.1f} of its own,")
        print(f"{mean['Pss']:.1f} with its share of what is shared; the model's file {resident / count / MEBI:.1f}")
        print(f"each, {share / MEBI:.1f} for all together, {size / MEBI:.1f} on the disk")
    assert share <= 1.05 * size, "together they hold the file once"
    assert count < 20 or resident > 2 * share
