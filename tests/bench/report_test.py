"""The benchmarks' order, sums and tables, on made-up times."""
import sys
import tempfile
import unittest
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[2] / "bench"))
import document
import make_prose
import report
from peer import interleave

# The other program needs twice as long in each round, though every round is slower than the one before.
TWICE = {"stratoscope": [1.0, 2.0, 3.0, 4.0, 5.0], "pytorch": [2.0, 4.0, 6.0, 8.0, 10.0]}
ABOUT = {kind: {"version": "1", "kernels": "some"} for kind in TWICE}
MACHINE = {"processor": "P", "cores": 2, "threads": 2, "memory": "4 GiB", "system": "S", "date": "D"}
LOAD = {"machine": MACHINE, "results": {"load": {"about": ABOUT, "seconds": TWICE}}}


class Turns(unittest.TestCase):
    def test_each_round_begins_with_another_and_the_first_is_not_measured(self):
        calls = []
        works = {name: lambda n=name: calls.append(n) or len(calls) for name in "abc"}
        gave = interleave(3, works)
        self.assertEqual("".join(calls), "cab" "abc" "bca" "cab")
        self.assertEqual(gave, {"a": [4, 9, 11], "b": [5, 7, 12], "c": [6, 8, 10]})


class Report(unittest.TestCase):
    def test_ratios_are_of_rounds(self):
        self.assertEqual(report.ratio(TWICE, "pytorch"), "2.00 (2.00–2.00)")
        self.assertEqual(report.ratio(TWICE, "stratoscope"), "1")

    def test_times(self):
        self.assertEqual(report.time_rows(TWICE)[1][:3], ["PyTorch", "6.00 s", "4.00 s–8.00 s"])
        self.assertEqual([report.seconds(s) for s in (0.0123, 0.1234, 1.234)], ["12.3 ms", "123 ms", "1.23 s"])

    def test_share_of_the_machines_limit(self):
        length = {
            "tokens": 22,
            "operations": 3e9,
            "seconds": {"stratoscope": [1.0, 1.0], "pytorch": [3.0, 3.0]},
            "errors": {"stratoscope": [1e-6, 2e-6], "pytorch": [3e-6, 4e-6]},
        }
        result = {"lengths": [length], "limits": {"multiply_add": 6e9, "stream": 2e9}}
        rows = report.forward(result).rows
        self.assertEqual(rows[0][-3:], ["3", "50%", "1.0e-06, 2.0e-06"])
        self.assertEqual(rows[1][-3:], ["1", "17%", "3.0e-06, 4.0e-06"])

    def test_sweeps_beside_whole_runs(self):
        seconds = {"cone": [2.0, 2.0], "stratoscope": [1.0, 1.0], "onnxruntime": [3.0, 3.0]}
        grid = {"seconds": seconds, "cells": 10, "operations": 21.0, "required": 20.0, "full": 80.0}
        row = report.grids({"grids": {"some": grid}}).rows[0]
        self.assertEqual(row, ["some", "10", "2.00 s", "2.00 s–2.00 s", "5", "15.0", "0.20", "1.050", "0.25"])
        del seconds["onnxruntime"]
        self.assertEqual(report.grids({"grids": {"some": grid}}).rows[0][5], "-")

    def test_growth(self):
        point = {"value": 4, "cells": 10, "operations": 3e9, "seconds": [1.0, 2.0, 3.0]}
        growth = {"points": {"tokens": [point]}}
        self.assertEqual(report.growth(growth).rows, [["tokens 4", "10", "2.00 s", "200 ms", "3.0", "2"]])
        expected = {"x": "tokens", "y": "milliseconds", "lines": [{"label": "tokens", "x": [4], "y": [2000.0]}]}
        self.assertEqual(document.growth_lines(growth, "tokens"), expected)
        self.assertEqual(report.forward_growth(growth).rows, [["tokens 4", "2.00 s", "500 ms", "3.0", "2"]])

    def test_precisions_beside_the_peer_in_float32(self):
        seconds = {"stratoscope": [2.0, 2.0], "bf16": [1.0, 1.0], "onnxruntime": [3.0, 5.0]}
        result = {"lengths": [{"tokens": 22, "seconds": seconds}], "bytes": {"bf16": 1 << 30}}
        table = report.precision(result)
        self.assertEqual([row[3] for row in table.rows], ["2.00", "4.00", "1.00"])
        self.assertIn("Stratoscope in bf16 1024 MiB", table.notes[0])
        del seconds["onnxruntime"]
        self.assertEqual(report.precision(result).rows[0][3], "-")

    def test_a_token_is_what_the_prompt_leaves(self):
        result = {"tokens": 8, "new": 11, "seconds": {"stratoscope": [3.0, 3.0]}, "prompt": {"stratoscope": [1.0, 1.0]}}
        result["limits"] = {"stratoscope": {"weights": 3e9, "stream": 20e9}}
        self.assertEqual(report.generation(result).rows[0][-3:], ["200.0 ms", "5", "75%"])

    def test_products_beside_the_limits(self):
        shapes = [{"in": 2, "out": 3, "rows": rows, "fp32": 100.0, "bf16": 300.0} for rows in (22, 44)]
        attention = [{"tokens": 8, "seconds": 0.5, "gflops": 50.0}]
        result = {"limit": 200.0, "bfloat16_limit": 1000.0, "shapes": shapes, "attention": attention}
        rows = report.products(result).rows
        self.assertEqual(rows[0], ["2 x 3, 22 rows", "100", "50%", "300", "30%", "3.00"])
        self.assertEqual(rows[1][:3], ["attention, 8 tokens: 500 ms", "50", "25%"])
        self.assertEqual(report.products(result | {"bfloat16_limit": 0.0}).rows[0][4], "-")

    def test_keeping_is_counted_from_keeping_nothing(self):
        seconds = {"nothing": [1.0, 2.0], "hidden states": [1.1, 2.2]}
        rows = report.captures({"lengths": [{"tokens": 8, "seconds": seconds}]}).rows
        self.assertEqual([row[3] for row in rows], ["", "+10.0% (+10.0%–+10.0%)"])

    def test_rates_of_pulls(self):
        samples = {"stratoscope": [2.0, 2.0], "sha256sum": [3.0, 5.0]}
        result = {"bytes": 1 << 30, "seconds": samples, "hash_alone": {"sha256sum": 2.0}, "peak": {"67108864": 1 << 24}}
        table = report.pull(result)
        self.assertEqual(table.rows[0], ["Stratoscope", "537", "537–537", "1"])
        self.assertEqual(table.rows[1], ["curl | sha256sum", "286", "251–322", "2.00 (1.75–2.25)"])
        self.assertIn("in MB/s: sha256sum 537. Memory of a pull at most: 16.0 MiB for 64 MiB.", table.notes[0])

    def test_text_is_aligned(self):
        lines = report.table("load", LOAD["results"]["load"]).text().split("\n")
        self.assertEqual(len({len(line) for line in lines[:3]}), 1, lines)


class Page(unittest.TestCase):
    def test_only_what_stands_between_marks_is_replaced(self):
        page = "# A\n<!-- bench:load -->\nold\n<!-- end -->\ntext\n<!-- bench:memory -->\n<!-- end -->\n"
        once = document.filled(page, LOAD)
        self.assertIn("| PyTorch | 6.00 s |", once)
        self.assertNotIn("old", once)
        self.assertIn("<!-- end -->\ntext\n<!-- bench:memory -->\nNot measured.\n<!-- end -->\n", once)
        self.assertEqual(document.filled(once, LOAD), once)


class Prose(unittest.TestCase):
    def test_is_always_the_same(self):
        with tempfile.TemporaryDirectory() as folder:
            files = [Path(folder) / name for name in "ab"]
            for file in files:
                make_prose.main(file, "0.05")
            self.assertEqual(files[0].read_bytes(), files[1].read_bytes())
            self.assertGreater(files[0].stat().st_size, 50000)


if __name__ == "__main__":
    unittest.main()
