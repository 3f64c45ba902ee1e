"""check_floors.py finds each kind of fault, and no fault in correct files."""
import contextlib
import io
import tempfile
import unittest
from pathlib import Path

import check_floors

HOUSE = {
    "stratoscope/base/error.h": "#include <string>\n",
    "stratoscope/tensor/tensor.h": '#include "stratoscope/base/error.h"\n',
    "stratoscope/ops/norm.cpp": '#include "hwy/foreach_target.h"\n#include "stratoscope/tensor/tensor.h"\n',
    "stratoscope/ops/CMakeLists.txt": "add_floor(ops LINK stratoscope::tensor)  # not stratoscope::model\n",
    "stratoscope/model/model.h": '// #include "stratoscope/probe/edit.h"\n#include "stratoscope/base/error.h"\n',
    "stratoscope/analysis/lens.h": '#include "stratoscope/model/model.h"\n',
    "stratoscope/figures/figure.h": '#include "stratoscope/tensor/tensor.h"\n',
    "stratoscope/stratoscope.h": '#include "stratoscope/model/model.h"\n',
    "apps/cli/main.cpp": '#include "stratoscope/stratoscope.h"\n',
}


class CheckFloors(unittest.TestCase):
    def found(self, **changes):
        """The breaches of the sound house with some files replaced or added."""
        with tempfile.TemporaryDirectory() as folder:
            root = Path(folder)
            for name, text in {**HOUSE, **changes}.items():
                (root / name).parent.mkdir(parents=True, exist_ok=True)
                (root / name).write_text(text)
            found = check_floors.breaches(root)
            with contextlib.redirect_stdout(io.StringIO()):
                self.assertEqual(check_floors.main(root), 1 if found else 0)
            return found

    def expect_one(self, wanted, **changes):
        found = self.found(**changes)
        self.assertEqual(len(found), 1, found)
        self.assertIn(wanted, found[0])

    def test_sound_house(self):
        self.assertEqual(self.found(), [])

    def test_upward_include(self):
        text = '#include "stratoscope/model/model.h"\n'
        self.expect_one("ops may not include model", **{"stratoscope/ops/norm.cpp": text})
        self.expect_one("ops may not include model", **{"stratoscope/ops/norm.cpp": text.replace("#", " #  ")})
        text = "#include <stratoscope/model/model.h>\n"
        self.expect_one("ops may not include model", **{"stratoscope/ops/deep/er.h": text})

    def test_sideways_include(self):
        text = '#include "stratoscope/{}"\n'
        self.expect_one("text may not include ops", **{
            "stratoscope/ops/norm.h": "",
            "stratoscope/text/bpe.cpp": text.format("ops/norm.h"),
        })
        self.expect_one("analysis may not include figures", **{
            "stratoscope/analysis/lens.h": text.format("figures/figure.h"),
        })

    def test_figures_know_only_tensor_and_base(self):
        self.expect_one("figures may not include model", **{
            "stratoscope/figures/figure.h": '#include "stratoscope/model/model.h"\n',
        })

    def test_library_knows_no_face(self):
        self.expect_one("above the library", **{"stratoscope/ops/norm.cpp": '#include "apps/cli/main.h"\n'})
        self.expect_one("umbrella", **{"stratoscope/ops/norm.cpp": '#include "stratoscope/stratoscope.h"\n'})

    def test_spelling_and_missing_files(self):
        self.expect_one("spelt from the root", **{
            "stratoscope/ops/norm.cpp": '#include "norm.h"\n',
            "stratoscope/ops/norm.h": "",
        })
        self.expect_one("does not exist", **{"stratoscope/ops/norm.cpp": '#include "stratoscope/base/eror.h"\n'})

    def test_generated_header(self):
        text = '#include "stratoscope/version.h"\n'
        self.expect_one("does not exist", **{"stratoscope/ops/norm.cpp": text})
        self.assertEqual(self.found(**{"stratoscope/ops/norm.cpp": text, "stratoscope/version.h.in": ""}), [])

    def test_header_cycle(self):
        self.expect_one("headers in a circle", **{
            "stratoscope/model/model.h": '#include "stratoscope/model/plan.h"\n',
            "stratoscope/model/plan.h": '#include "stratoscope/model/model.h"\n',
        })

    def test_upward_link(self):
        self.expect_one("ops may not link model", **{
            "stratoscope/ops/CMakeLists.txt": "add_floor(ops\n  LINK stratoscope::tensor stratoscope::model)\n",
        })
        self.expect_one("ops may not link text", **{
            "stratoscope/ops/CMakeLists.txt": "target_link_libraries(stratoscope_ops PRIVATE stratoscope_text)\n",
        })
        self.expect_one("ops may not link hub_download", **{
            "stratoscope/ops/CMakeLists.txt": "add_floor(ops SOURCES norm.cpp LINK stratoscope::hub_download)\n",
        })

    def test_unknown_folder(self):
        self.expect_one("has no floor", **{"stratoscope/utils/misc.h": ""})

    def test_empty_house_is_no_success(self):
        with tempfile.TemporaryDirectory() as folder, contextlib.redirect_stdout(io.StringIO()):
            (Path(folder) / "stratoscope").mkdir()
            self.assertEqual(check_floors.main(Path(folder)), 1)


if __name__ == "__main__":
    unittest.main()
