"""The generator and the permutations of the library, written from their definitions."""


class MersenneTwister64:
    """Matsumoto and Nishimura 2004, as in the C++ standard: its 10000th number is 9981545732273789042."""

    def __init__(self, seed):
        self.state, self.at = [seed], 312
        for i in range(1, 312):
            last = self.state[-1]
            self.state.append((6364136223846793005 * (last ^ (last >> 62)) + i) % 2**64)

    def __call__(self):
        if self.at == 312:
            for i in range(312):
                x = (self.state[i] & ~0x7FFFFFFF) | (self.state[(i + 1) % 312] & 0x7FFFFFFF)
                self.state[i] = self.state[(i + 156) % 312] ^ (x >> 1) ^ (0xB5026F5AA96619E9 if x & 1 else 0)
            self.at = 0
        x = self.state[self.at]
        self.at += 1
        x ^= (x >> 29) & 0x5555555555555555
        x ^= (x << 17) & 0x71D67FFFEDA60000
        x ^= (x << 37) & 0xFFF7EEE000000000
        return (x ^ (x >> 43)) % 2**64


def permutation(count, random):
    """Fisher and Yates; Durstenfeld 1964."""
    order = list(range(count))
    for i in range(count, 1, -1):
        j = random() % i
        order[i - 1], order[j] = order[j], order[i - 1]
    return order
