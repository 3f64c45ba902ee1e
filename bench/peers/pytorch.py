"""PyTorch eager as a peer (bench/peer.py describes the protocol); or, for a cold start, `pytorch.py predict FOLDER IDS`."""
import ctypes
import json
import sys
import time

import torch

import gpt2


def blas():
    """The BLAS that this process has loaded, with its own description if it has one."""
    with open("/proc/self/maps") as maps:
        files = sorted({line.split()[-1] for line in maps if "blas" in line})
    for file in files:
        library = ctypes.CDLL(file)
        if hasattr(library, "openblas_get_config"):
            library.openblas_get_config.restype = ctypes.c_char_p
            return library.openblas_get_config().decode()
    return ", ".join(files) or "none found"


class Peer:
    def hello(self, request):
        torch.set_num_threads(request["threads"])
        return {"name": "PyTorch", "version": torch.__version__, "kernels": blas()}

    def load(self, request):
        self.model = None
        start = time.perf_counter()
        self.model = gpt2.load(request["model"])
        return {"seconds": time.perf_counter() - start}

    def forward(self, request):
        ids = torch.tensor(request["ids"])
        self.run = None
        start = time.perf_counter()
        self.run = self.model(ids)
        return {"seconds": time.perf_counter() - start}

    def save(self, request):
        for name, value in zip(("hidden_states", "logits"), self.run):
            value.numpy().tofile(f"{request['file']}.{name}")
        return {}

    def to_float64(self, request):
        self.model.double()
        return {}

    def sweep(self, request):
        """The usual loop: for each block a hook that scales its output, a run, the target's log-prob."""
        ids, factor, values = torch.tensor(request["ids"]), request["factor"], []
        start = time.perf_counter()
        for block in self.model.h:
            handle = block.register_forward_hook(lambda module, inputs, output: output * factor)
            _, logits = self.model(ids)
            handle.remove()
            values.append(torch.log_softmax(logits[-1], -1)[request["target"]].item())
        return {"seconds": time.perf_counter() - start, "values": values}


def predict(folder, ids):
    _, logits = gpt2.load(folder)(torch.tensor(json.loads(ids)))
    print(logits[-1].argmax().item())


if __name__ == "__main__":
    if sys.argv[1:2] == ["predict"]:
        predict(*sys.argv[2:])
    else:
        peer = Peer()
        for line in sys.stdin:
            asked = json.loads(line)
            print(json.dumps(getattr(peer, asked["do"])(asked)), flush=True)
