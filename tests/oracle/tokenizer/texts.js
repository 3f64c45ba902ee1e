// The texts of the oracle: prose, long runs, and random strings from a fixed seed.
'use strict';

const kProse = [
  '',
  ' ',
  '\n',
  'a',
  "'",
  '<|endoftext|>',
  '<|endoftext|><|endoftext|>',
  'x<|endoftext|> y <|endoftext|',
  '<<|endoftext|>>',
  '<|endoftext|',
  '<|ENDOFTEXT|>',
  ' <|endoftext|> ',
  "It's we're I've I'm they'll he'd don't IT'S WE'RE 'tis ''s 's's 's\u2019s \u017f's '\u017f",
  'It is a truth universally acknowledged, that a single man in possession of a good fortune, must be in want of a wife.',
  'Call me Ishmael. Some years ago\u2014never mind how long precisely\u2014having little or no money in my purse\u2026',
  'def f(x):\n    return {\n\t"a": [x**2 for _ in range(10)],  # done\r\n    }\n\n\n',
  'Als Gregor Samsa eines Morgens aus unruhigen Träumen erwachte, fand er sich in seinem Bett verwandelt.',
  'Longtemps, je me suis couché de bonne heure. \u00ab\u00a0Ah\u202f!\u00a0\u00bb',
  'Все счастливые семьи похожи друг на друга.',
  '吾輩は猫である\u3002名前はまだ無い\u3002',
  '道可道\uff0c非常道\u3002\u3000名可名',
  '\u05d1\u05b0\u05bc\u05e8\u05b5\u05d0\u05e9\u05b4\u05c1\u05d9\u05ea',
  '\u0627\u0644\u0633\u0644\u0627\u0645 \u0639\u0644\u064a\u0643\u0645 \u0661\u0662\u0663',
  '\u0928\u092e\u0938\u094d\u0924\u0947 \u0967\u0968\u0969',
  '안녕하세요',
  '\u{1f469}\u200d\u{1f469}\u200d\u{1f467}\u200d\u{1f466} \u{1f1e9}\u{1f1ea} \u2764\ufe0f\u{1f44d}\u{1f3fd} 1\ufe0f\u20e3',
  'e\u0301 A\u030a n\u0303\u0302 \u1100\u1161\u11a8',
  '3.14159 1,000,000 \u00bd \u00b2 \u2163 0x1F 12:30 50% $9.99 \u0663\u0664',
  'https://example.org/a?b=c&d=%20#e user@host.com C:\\dir\\file.txt',
  'tab\ttab\t\ttab \t mixed\u00a0nbsp\u2003em\u3000ideo\u0085nel\u2028ls\u2029ps\u180emvs\u200bzwsp\ufeffbom\u001cfs',
  '\0\u0001\u007f\u0080\u009f\ufffd\uffff\u{10ffff}',
];

const kRuns = ['a', ' ', '\n', '!', '1', 'ab', ' a', '\u4e2d', '\u{1f600}', '\u00a0', '\u0301', "'s", 'the'].flatMap(
  (unit) =>
    [2, 3, 7, 64, 65, 257, 5000].flatMap((count) => [
      unit.repeat(count),
      unit.repeat(count) + 'x',
      ' ' + unit.repeat(count),
    ]),
);

const kAdded = [
  '<x>',
  '<x>y',
  'y<x>',
  '<|endoftext|><',
  ' \u00e9',
  '\u00e9 ',
  '  ',
  '\u4e2d\u6587',
  'insect',
  '\n\n',
  '<x><x>',
  "'s",
];

// The generator mulberry32: small, and the same everywhere.
function randomFrom(seed) {
  return () => {
    seed = (seed + 0x6d2b79f5) | 0;
    let t = Math.imul(seed ^ (seed >>> 15), 1 | seed);
    t = (t + Math.imul(t ^ (t >>> 7), 61 | t)) ^ t;
    return ((t ^ (t >>> 14)) >>> 0) / 4294967296;
  };
}

function randomTexts(count, vocabularyTexts, added) {
  const random = randomFrom(20260101);
  const below = (limit) => Math.floor(random() * limit);
  const pick = (list) => list[below(list.length)];
  const between = (first, last) => String.fromCodePoint(first + below(last - first + 1));
  const spaces = [
    ' ',
    '  ',
    '   ',
    '\n',
    '\n\n',
    '\t',
    '\r\n',
    '\u000b',
    '\f',
    '\u0085',
    '\u00a0',
    '\u1680',
    '\u2003',
    '\u2028',
    '\u202f',
    '\u205f',
    '\u3000',
    '\u180e',
    '\u200b',
    '\u001f',
  ];
  const contractions = ["'s", "'t", "'re", "'ve", "'m", "'ll", "'d", "'S", "'RE", "'", "''", '\u2019s', "'x"];
  const specials = ['<|endoftext|>', '<|endoftext|>', '<|endoftext', '|endoftext|>', '<|', '|>', '<'];
  const pieces = [
    () => between(0x20, 0x7e),
    () => between(0x20, 0x7e),
    () => between(0x61, 0x7a),
    () => between(0x30, 0x39),
    () => pick(vocabularyTexts),
    () => pick(vocabularyTexts),
    () => pick(vocabularyTexts),
    () => pick(spaces),
    () => pick(contractions),
    () => pick(specials),
    () => between(0xa0, 0x24f),
    () => between(0x300, 0x36f),
    () => between(0x370, 0x52f),
    () => between(0x590, 0x7ff),
    () => between(0x900, 0xdff),
    () => between(0x2000, 0x206f),
    () => between(0x2070, 0x218f),
    () => between(0x3040, 0x30ff),
    () => between(0x4e00, 0x9fff),
    () => between(0xac00, 0xd7a3),
    () => between(0x1f300, 0x1faff),
    () => between(0xe000, 0xffff),
    () => between(0x10000, 0x10ffff),
  ];
  if (added.length > 0)
    for (let i = 0; i < 12; ++i)
      pieces.push(
        () => pick(added),
        () => pick([...pick(added)]),
      );
  return Array.from({ length: count }, () => {
    // A text draws from a few kinds, so that runs of one kind occur as well as wild mixtures.
    const kinds = Array.from({ length: 1 + below(6) }, () => pick(pieces));
    return Array.from({ length: below(40) }, () => pick(kinds)()).join('');
  });
}

module.exports = { kAdded, kProse, kRuns, randomFrom, randomTexts };
