"""check_symbols.py finds each kind of fault, and no fault in correct files."""
import unittest

import check_symbols

HEADER = """
// Everything about a Session; Helper is only spoken of.
namespace STRATOSCOPE_API stratoscope {
class Session {
 public:
  Session();
  int read() const;
 private:
  struct State;
};
template <class T>
STRATOSCOPE_API T sum(const T* values, int count);
int open(const char* name);
inline int twice(int x) { return 2 * x; }
void never(Session&& gone) = delete;
}  // namespace stratoscope
"""
SESSION = "_ZN11stratoscope7SessionC1Ev"
READ = "_ZNK11stratoscope7Session4readEv"
OPEN = "_ZN11stratoscope4openB5cxx11EPKc"
SUM = "_ZN11stratoscope3sumIfEET_PKS1_i"
TYPE = "_ZTIN11stratoscope7SessionE"
SOUND = [SESSION, READ, OPEN, SUM, TYPE]


class CheckSymbols(unittest.TestCase):
    def expect_one(self, wanted, symbols):
        found = check_symbols.faults(symbols, [HEADER])
        self.assertEqual(len(found), 1, found)
        self.assertIn(wanted, found[0])

    def test_sound_library(self):
        self.assertEqual(check_symbols.faults(SOUND, [HEADER]), [])

    def test_somebody_elses(self):
        self.expect_one("not in namespace stratoscope", SOUND + ["_ZNSt6vectorIfSaIfEE9push_backEOf"])
        self.expect_one("not in namespace stratoscope", SOUND + ["main"])

    def test_internal(self):
        self.expect_one("declares helper", SOUND + ["_ZN11stratoscope6helperEv"])
        self.expect_one("declares Helper", SOUND + ["_ZTIN11stratoscope6HelperE"])
        self.expect_one("defines State", SOUND + ["_ZN11stratoscope7Session5State4readEv"])

    def test_c_interface(self):
        header = '#include <stdint.h>\nextern "C" {\nAPI uint32_t stratoscope_abi(void);\n}\n'
        self.assertEqual(check_symbols.faults(["stratoscope_abi"], [header]), [])
        self.assertIn("stratoscope_abi: is declared", check_symbols.faults([], [header])[0])
        self.assertIn("no installed header declares it", check_symbols.faults(["stratoscope_abi", "stratoscope_ab"], [header])[0])

    def test_not_exported(self):
        self.expect_one("open: is declared", [symbol for symbol in SOUND if symbol != OPEN])
        self.expect_one("sum: is declared", [symbol for symbol in SOUND if symbol != SUM])


if __name__ == "__main__":
    unittest.main()
