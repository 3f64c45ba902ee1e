// Writes stratoscope/text/normalization_tables.cpp to standard output: asks tokenizers' normalisers what every code
// point decomposes and composes to, in which order marks are put, and what its small letters are.
//   npm ci --ignore-scripts && node normalization_tables.js > ../../../stratoscope/text/normalization_tables.cpp
'use strict';
const tokenizers = require('tokenizers');
const { everyCodePoint } = require('./unicode.js');

const text = (...codePoints) => String.fromCodePoint(...codePoints);
const asking = (normalizer) => (string) => normalizer.normalizeString(string);
const [nfc, nfd] = [asking(tokenizers.nfcNormalizer()), asking(tokenizers.nfdNormalizer())];
const nfkd = asking(tokenizers.nfkdNormalizer());
const lowercase = asking(tokenizers.lowercase());
const isHangul = (codePoint) => codePoint >= 0xac00 && codePoint <= 0xd7a3;

// One mark of each combining class, in the order of classes.
const kMarks = [
  0x334, 0x16ff0, 0x93c, 0x3099, 0x94d, 0x5b0, 0x5b1, 0x5b2, 0x5b3, 0x5b4, 0x5b5, 0x5b6, 0x5b7, 0x5b8, 0x5b9, 0x5bb,
  0x5bc, 0x5bd, 0x5bf, 0x5c1, 0x5c2, 0xfb1e, 0x64b, 0x64c, 0x64d, 0x64e, 0x64f, 0x650, 0x651, 0x652, 0x670, 0x711,
  0xc55, 0xc56, 0xe38, 0xe48, 0xeb8, 0xec8, 0xf71, 0xf72, 0xf74, 0x321, 0x1dce, 0x31b, 0x302a, 0x316, 0x59a, 0x302e,
  0x1d16d, 0x5ae, 0x300, 0x315, 0x35c, 0x35d, 0x345,
]; // prettier-ignore
const comesAfter = (first, second) => nfd(text(first, second)) !== nfd(text(first)) + nfd(text(second));
const marks = kMarks.filter((mark) => comesAfter(0x345, mark) || comesAfter(mark, 0x334));
marks.forEach((mark, i) => {
  if (i > 0 && !comesAfter(mark, marks[i - 1])) throw new Error(`mark ${mark.toString(16)} is out of order`);
});
const orderOf = (codePoint) => {
  if (!comesAfter(0x345, codePoint) && !comesAfter(codePoint, 0x334)) return 0;
  return 1 + marks.filter((mark) => comesAfter(codePoint, mark)).length;
};

const hex = (number) => '0x' + number.toString(16).toUpperCase();
const [canonical, compatible, compositions, orders, small] = [[], [], [], [], []];
const entryOf = (codePoint, string) => `{${[codePoint, ...[...string].map((c) => c.codePointAt(0))].map(hex).join(',')}},`;
const spell = (codePoint, string) =>
  `${hex(codePoint)},${[...string].length}${[...string].map((c) => ',' + hex(c.codePointAt(0))).join('')},`;
for (const codePoint of everyCodePoint()) {
  if (isHangul(codePoint)) continue;
  const character = text(codePoint);
  const [whole, wide] = [nfd(character), nfkd(character)];
  if (whole !== character) canonical.push(spell(codePoint, whole));
  if (wide !== whole) compatible.push(spell(codePoint, wide));
  const parts = [...whole];
  if (parts.length > 1 && nfc(whole) === character) {
    const first = [...nfc(parts.slice(0, -1).join(''))];
    if (first.length !== 1) throw new Error(`${hex(codePoint)} is not composed of two characters`);
    compositions.push(entryOf(first[0].codePointAt(0), parts[parts.length - 1] + character));
  }
  if (whole === character) {
    const order = orderOf(codePoint);
    const last = orders[orders.length - 1];
    if (order > 0 && last && last.order === order && last.end === codePoint - 1) last.end = codePoint;
    else if (order > 0) orders.push({ begin: codePoint, end: codePoint, order });
  }
  if (lowercase(character) !== character) small.push(spell(codePoint, lowercase(character)));
}

function table(name, type, entries) {
  const lines = [];
  for (const entry of entries) {
    const last = lines.length - 1;
    if (last >= 0 && lines[last].length + 1 + entry.length <= 118) lines[last] += ' ' + entry;
    else lines.push(entry);
  }
  return `constexpr ${type} ${name}[] = {\n  ${lines.join('\n  ')}\n};\n`;
}

const { version } = require('tokenizers/package.json');
console.log(`// Written by tests/oracle/tokenizer/normalization_tables.js after npm tokenizers ${version}; do not edit.
#include "stratoscope/text/normalization_tables.h"

namespace stratoscope {
namespace {

// clang-format off
${table('kCanonical', 'char32_t', canonical)}
${table('kCompatible', 'char32_t', compatible)}
${table('kSmallLetters', 'char32_t', small)}
${table('kCompositions', 'Composition', compositions)}
${table(
  'kMarkOrders',
  'MarkOrder',
  orders.map(({ begin, end, order }) => `{${hex(begin)},${hex(end)},${order}},`),
)}// clang-format on

}  // namespace

std::span<const char32_t> canonical_decompositions() { return kCanonical; }
std::span<const char32_t> compatible_decompositions() { return kCompatible; }
std::span<const char32_t> small_letters() { return kSmallLetters; }
std::span<const Composition> compositions() { return kCompositions; }
std::span<const MarkOrder> mark_orders() { return kMarkOrders; }

}  // namespace stratoscope`);
