"""Writes the checkpoint as an ONNX model of any length: export_onnx.py FOLDER FILE.onnx"""
import os
import sys

import torch

import gpt2


def main(folder, file):
    model = gpt2.load(folder)
    torch.onnx.export(
        model,
        (torch.arange(22),),
        file + ".part",
        opset_version=17,
        input_names=["ids"],
        output_names=["hidden_states", "logits"],
        dynamic_axes={"ids": {0: "pos"}, "hidden_states": {1: "pos"}, "logits": {0: "pos"}},
    )
    os.replace(file + ".part", file)


if __name__ == "__main__":
    main(*sys.argv[1:])
