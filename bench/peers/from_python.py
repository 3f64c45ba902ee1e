"""Stratoscope's Python package as a peer (bench/peer.py describes the protocol)."""
import json
import sys
import time
import warnings

import numpy as np

import stratoscope

warnings.simplefilter("ignore", stratoscope.StratoscopeWarning)  # one of the sweep's points changes next to nothing
EDITED = "blocks.5.hook_mlp_out"
EDITS = {"none": None, "text": f"{EDITED} *= 0.8", "function": {EDITED: lambda value: value * np.float32(0.8)}}


class Peer:
    def hello(self, request):
        self.threads = request["threads"]
        return {"name": "Stratoscope from Python", "version": stratoscope.__version__, "kernels": "the same"}

    def load(self, request):
        self.model = None
        start = time.perf_counter()
        self.model = stratoscope.load(request["model"], threads=self.threads)
        return {"seconds": time.perf_counter() - start}

    def forward(self, request):
        self.hidden_states = self.logits = None  # the last owners of the memory of the run before
        start = time.perf_counter()
        run = self.model.run(request["ids"], edits=EDITS[request.get("edit", "none")])
        self.hidden_states, self.logits = run.hidden_states, run.logits
        return {"seconds": time.perf_counter() - start}

    def save(self, request):
        for name, value in (("hidden_states", self.hidden_states), ("logits", self.logits)):
            value.tofile(f"{request['file']}.{name}")
        return {}

    def tokens(self, request):
        return {"ids": self.model.tokenize(request["text"]).ids.tolist()}

    def sweep(self, request):
        start = time.perf_counter()
        swept = self.model.sweep(
            request["text"], edit=f"blocks.{{layer}}.hook_resid_post *= {request['factor']}", over={"layer": "all"},
            target=request["target"],
        )
        values = swept.values.tolist()
        return {"seconds": time.perf_counter() - start, "values": values}


if __name__ == "__main__":
    peer = Peer()
    for line in sys.stdin:
        asked = json.loads(line)
        print(json.dumps(getattr(peer, asked["do"])(asked)), flush=True)
