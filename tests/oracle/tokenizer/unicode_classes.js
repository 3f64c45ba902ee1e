// Writes stratoscope/text/unicode_classes.cpp to standard output: asks tokenizers' regular expressions for the general
// category of every code point, and checks that \s and \w are what is_whitespace() and is_word() say.
//   npm ci --ignore-scripts && node unicode_classes.js > ../../../stratoscope/text/unicode_classes.cpp
'use strict';
const { everyCodePoint, matchesOf } = require('./unicode.js');

const kCategories =
  'Lu Ll Lt Lm Lo Mn Mc Me Nd Nl No Pc Pd Ps Pe Pi Pf Po Sm Sc Sk So Zs Zl Zp Cc Cf Co'.split(' ');

const categoryOf = new Map();
for (const category of kCategories)
  for (const codePoint of matchesOf(`\\p{${category}}`)) {
    if (categoryOf.has(codePoint)) throw new Error(`U+${codePoint.toString(16)} is in two categories`);
    categoryOf.set(codePoint, category);
  }

const kLetterlike = [
  [0x24b6, 0x24e9],
  [0x1f130, 0x1f149],
  [0x1f150, 0x1f169],
  [0x1f170, 0x1f189],
];
const within = (ranges) => (codePoint) => ranges.some(([first, last]) => codePoint >= first && codePoint <= last);
const isSpace = (codePoint) =>
  within([[0x9, 0xd], [0x85, 0x85]])(codePoint) || /^Z/.test(categoryOf.get(codePoint) || '');
const isWord = (codePoint) =>
  within(kLetterlike)(codePoint) || /^(L.|M.|Nd|Nl|Pc)$/.test(categoryOf.get(codePoint) || '');
// Only for these expressions fractions and superscripts of Latin-1 are parts of words.
const isWordHere = (codePoint) => isWord(codePoint) || /[\u00b2\u00b3\u00b9\u00bc-\u00be]/.test(String.fromCodePoint(codePoint));
for (const [pattern, rule] of [['\\s', isSpace], ['\\w', isWordHere]]) {
  const matched = new Set(matchesOf(pattern));
  const wrong = [...everyCodePoint()].filter((codePoint) => matched.has(codePoint) !== rule(codePoint));
  if (wrong.length > 0) throw new Error(`${pattern} is otherwise: ${wrong.map((c) => c.toString(16)).join(' ')}`);
}

const ranges = [];
for (const codePoint of everyCodePoint()) {
  const name = categoryOf.get(codePoint);
  const last = ranges[ranges.length - 1];
  if (last && last.name === name && last.end === codePoint - 1) last.end = codePoint;
  else if (name) ranges.push({ begin: codePoint, end: codePoint, name });
}

const hex = (number) => '0x' + number.toString(16).toUpperCase();
const lines = [];
for (const { begin, end, name } of ranges) {
  const entry = `{${hex(begin)}, ${hex(end)}, ${name}},`;
  const last = lines.length - 1;
  if (last >= 0 && lines[last].length + 1 + entry.length <= 118) lines[last] += ' ' + entry;
  else lines.push(entry);
}
const { version } = require('tokenizers/package.json');
console.log(`// Written by tests/oracle/tokenizer/unicode_classes.js after npm tokenizers ${version}; do not edit.
#include "stratoscope/text/unicode_classes.h"

#include <algorithm>
#include <array>
#include <iterator>
#include <utility>

namespace stratoscope {
namespace {

using enum Category;

// clang-format off
constexpr CategoryRange kCategoryRanges[] = {
  ${lines.join('\n  ')}
};
// clang-format on

}  // namespace

std::span<const CategoryRange> category_ranges() { return kCategoryRanges; }

Category general_category(char32_t code_point) {
  const CategoryRange* range = std::lower_bound(std::begin(kCategoryRanges), std::end(kCategoryRanges), code_point,
                                                [](const CategoryRange& r, char32_t c) { return r.last < c; });
  return range != std::end(kCategoryRanges) && range->first <= code_point ? range->value : Cn;
}

bool is_whitespace(char32_t code_point) {
  if (code_point < 0x80) return code_point == ' ' || (code_point >= 0x9 && code_point <= 0xD);
  const Category category = general_category(code_point);
  return code_point == 0x85 || category == Zs || category == Zl || category == Zp;
}

bool is_word(char32_t code_point) {
  const Category category = general_category(code_point);
  if (category >= Lu && category <= Pc && category != No) return true;
  if (category != So) return false;
  // Symbols with the property Alphabetic: letters in circles and squares.
  constexpr std::array<std::pair<char32_t, char32_t>, 4> kLetters = {
      {{0x24B6, 0x24E9}, {0x1F130, 0x1F149}, {0x1F150, 0x1F169}, {0x1F170, 0x1F189}}};
  return std::any_of(kLetters.begin(), kLetters.end(),
                     [&](const auto& range) { return code_point >= range.first && code_point <= range.second; });
}

}  // namespace stratoscope`);
