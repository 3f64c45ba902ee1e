"""PyTorch float32's rounding error as more than one sample of it.

The same model with its residual dimensions and MLP units in another order is the same function, summed in another
order. In a row of a few dozen numbers one order's largest error is luck; the largest over several orders is not.
"""
import torch

import gpt2
import safetensors_io

# Values whose last axis is d_mlp or d_model, which are put back in place to be compared.
BY_UNIT = ("mlp.hook_pre", "mlp.hook_post")
BY_DIM = ("embed", "resid_pre", "resid_mid", "resid_post", "attn_out", "mlp_out", "normalized", "ln1.hook_out", "ln2.hook_out", "result", "hook_in",
          "hidden_states")


def reordered(weights, dims, units):
    """The weights {name: ndarray} of the same function with d_model ordered by `dims` and d_mlp by `units`."""
    result = {}
    for name, array in weights.items():
        if name.endswith(("wte.weight", "wpe.weight", "lm_head.weight", "c_proj.bias")):
            array = array[..., dims]
        elif ".ln_" in "." + name:
            array = array[dims]
        elif name.endswith("c_attn.weight"):
            array = array[dims]
        elif name.endswith("attn.c_proj.weight"):
            array = array[:, dims]
        elif name.endswith("c_fc.weight"):
            array = array[dims][:, units]
        elif name.endswith("c_fc.bias"):
            array = array[units]
        elif name.endswith("mlp.c_proj.weight"):
            array = array[units][:, dims]
        result[name] = array.copy()
    return result


def worst_rows(folder, ids, exact, rng, orders):
    """{tensor: the largest row error of float32 over `orders` orders}; `exact` is the float64 run."""
    model = gpt2.Gpt2.from_folder(folder)
    weights = safetensors_io.load(folder / "model.safetensors")
    width = model.config["n_embd"]
    inner = model.weights["h.0.mlp.c_fc.bias"].shape[0]
    worst = dict.fromkeys(exact, 0.0)
    for _ in range(orders):
        dims, units = rng.permutation(width), rng.permutation(inner)
        values = gpt2.Gpt2(model.config, reordered(weights, dims, units), torch.float32).run(ids)
        for name, value in values.items():
            if name.endswith(BY_UNIT):
                value = value[..., units.argsort()]
            elif name.endswith(BY_DIM):
                value = value[..., dims.argsort()]
            worst[name] = max(worst[name], float(gpt2.row_errors(value, exact[name]).max()))
    return worst
