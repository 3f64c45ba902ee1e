// Queries of code points to tokenizers, for the generators of tables.
'use strict';
const { Tokenizer } = require('tokenizers');

function* everyCodePoint() {
  for (let codePoint = 0; codePoint <= 0x10ffff; ++codePoint)
    if (codePoint < 0xd800 || codePoint > 0xdfff) yield codePoint; // surrogates are not characters of UTF-8
}

function preTokenizer(pattern) {
  const definition = {
    version: '1.0',
    truncation: null,
    padding: null,
    added_tokens: [],
    normalizer: null,
    pre_tokenizer: { type: 'Split', pattern: { Regex: pattern }, behavior: 'Removed', invert: true },
    post_processor: null,
    decoder: null,
    model: { type: 'BPE', vocab: {}, merges: [] },
  };
  return Tokenizer.fromString(JSON.stringify(definition)).getPreTokenizer();
}

// The code points that the expression for one character matches.
function matchesOf(pattern) {
  const splitter = preTokenizer(pattern);
  const found = [];
  let text = '';
  const ask = () => {
    for (const [character] of splitter.preTokenizeString(text)) found.push(character.codePointAt(0));
    text = '';
  };
  for (const codePoint of everyCodePoint()) {
    text += String.fromCodePoint(codePoint);
    if (text.length > 4096) ask();
  }
  ask();
  return found;
}

module.exports = { everyCodePoint, matchesOf };
