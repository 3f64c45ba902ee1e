"""Writes made-up English-looking prose as a JSON list of texts: make_prose.py FILE.json [MEGABYTES]

Nine words of ten are among the commonest of English, the others are invented from syllables, each as often as its rank says
(Zipf); there are names, numbers, contractions, quotes and paragraphs. Always the same for the same size.
"""
import itertools
import json
import random
import sys

COMMON = """the of and to a in that was he his it with as had I for her not but at on is be him she which they all you
my from this were by so have no said an one their when there been them me would what or up will more if who out into
very could then your than now little some do upon time about over man like did down only before other after well such
never how old made see our much any old himself good again where first way too through hand came down day eyes might
house think own long back should great know two must come go even still night here under while young though once
without nothing another us away last just thought being yet took every went face something those don't father head
place life it's away left found room always seemed door always put heard saw same told mother I'll can't""".split()
ONSETS = "b bl br c ch cl d dr f fl g gr h j k l m n p pl pr qu r s sh sl sp st str t th tr v w wh".split()
VOWELS = "a e i o u ai ea ee oa ou".split()
CODAS = " b ck d ft g l ld ll m mp n nd ng nt p r rd rn s sk ss st t th x".split(" ")
ENDINGS = ["", "", "", "s", "ed", "ing", "ly", "er", "ness", "ment", "able", "tion"]
STOPS = [".", ".", ".", ".", "?", "!", ";", " —"]
TEXT_LENGTH = 4000


def invent(rng):
    syllables = rng.choices([1, 2, 3], [6, 3, 1])[0]
    stem = "".join(rng.choice(ONSETS) + rng.choice(VOWELS) + rng.choice(CODAS) for _ in range(syllables))
    return stem + rng.choice(ENDINGS)


class Words:
    """A list of words, with frequencies by rank."""

    def __init__(self, words):
        self.words, self.weights = words, list(itertools.accumulate(1 / (rank + 3) for rank in range(len(words))))

    def draw(self, rng):
        return rng.choices(self.words, cum_weights=self.weights)[0]


class Writer:
    def __init__(self, seed):
        self.rng = random.Random(seed)
        names = [invent(self.rng).capitalize() for _ in range(300)] + ["Zoë", "Müller", "D’Arnay"]
        self.pools = [Words(COMMON), Words([invent(self.rng) for _ in range(20000)]), Words(names)]

    def word(self):
        if self.rng.random() < 0.01:
            return str(self.rng.randrange(1, 2100))
        return self.rng.choices(self.pools, [88, 9, 3])[0].draw(self.rng)

    def sentence(self):
        rng = self.rng
        words = [self.word() for _ in range(rng.randrange(4, 28))]
        for i in range(len(words) - 1):
            if rng.random() < 0.08:
                words[i] += ","
        text = " ".join(words)
        text = text[0].upper() + text[1:] + rng.choice(STOPS)
        return f"“{text}”" if rng.random() < 0.05 else f'"{text}"' if rng.random() < 0.05 else text

    def text(self):
        pieces, length = [], 0
        while length < TEXT_LENGTH:
            pieces.append(self.sentence() + ("\n\n" if self.rng.random() < 0.15 else " "))
            length += len(pieces[-1])
        return "".join(pieces)


def main(file, megabytes="8"):
    writer, texts, size = Writer(1), [], 0
    while size < float(megabytes) * 1e6:
        texts.append(writer.text())
        size += len(texts[-1].encode())
    with open(file, "w", encoding="utf-8") as out:
        json.dump(texts, out, ensure_ascii=False)


if __name__ == "__main__":
    main(*sys.argv[1:])
