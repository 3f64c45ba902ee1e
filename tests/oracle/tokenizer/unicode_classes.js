// Writes stratoscope/text/unicode_classes.cpp to standard output: asks tokenizers' byte-level pre-tokeniser, code point
// by code point, which characters it takes for letters, numbers and whitespace.
//   npm ci --ignore-scripts && node unicode_classes.js > ../../../stratoscope/text/unicode_classes.cpp
'use strict';
const { byteLevelPreTokenizer } = require('tokenizers');

const preTokenizer = byteLevelPreTokenizer(false, true);
const isOneWord = (text) => preTokenizer.preTokenizeString(text).length === 1;

function classOf(codePoint) {
  if (codePoint >= 0xd800 && codePoint <= 0xdfff) return 'other'; // surrogates are no characters of UTF-8
  const character = String.fromCodePoint(codePoint);
  const classes = [];
  if (isOneWord('a' + character)) classes.push('letter');
  if (isOneWord('1' + character)) classes.push('number');
  if (isOneWord('\t' + character)) classes.push('whitespace');
  if (isOneWord('!' + character)) classes.push('other');
  if (classes.length !== 1) throw new Error(`U+${codePoint.toString(16)} is in ${classes.length} classes`);
  return classes[0];
}

const ranges = [];
for (let codePoint = 0; codePoint <= 0x10ffff; ++codePoint) {
  const name = classOf(codePoint);
  const last = ranges[ranges.length - 1];
  if (last && last.name === name) last.end = codePoint;
  else ranges.push({ begin: codePoint, end: codePoint, name });
}

const hex = (number) => '0x' + number.toString(16).toUpperCase();
const entries = ranges
  .filter(({ name }) => name !== 'other')
  .map(({ begin, end, name }) => `{${hex(begin)}, ${hex(end)}, ${name[0].toUpperCase()}},`);
const lines = [];
for (const entry of entries) {
  const last = lines.length - 1;
  if (last >= 0 && lines[last].length + 1 + entry.length <= 118) lines[last] += ' ' + entry;
  else lines.push(entry);
}
const { version } = require('tokenizers/package.json');
console.log(`// Written by tests/oracle/tokenizer/unicode_classes.js after npm tokenizers ${version}; do not edit.
#include "stratoscope/text/unicode_classes.h"

#include <algorithm>
#include <iterator>

namespace stratoscope {
namespace {

struct Range {
  char32_t first, last;
  CharacterClass value;
};

// Short, as they stand in every line below. NOLINTNEXTLINE(readability-identifier-naming)
constexpr CharacterClass L = CharacterClass::letter, N = CharacterClass::number, W = CharacterClass::whitespace;

// Ascending and disjoint; what stands in none of them is CharacterClass::other.
// clang-format off
constexpr Range kRanges[] = {
${lines.map((line) => '  ' + line).join('\n')}
};
// clang-format on

}  // namespace

CharacterClass character_class(char32_t code_point) {
  const Range* range = std::lower_bound(std::begin(kRanges), std::end(kRanges), code_point,
                                        [](const Range& r, char32_t c) { return r.last < c; });
  return range != std::end(kRanges) && range->first <= code_point ? range->value : CharacterClass::other;
}

}  // namespace stratoscope`);
