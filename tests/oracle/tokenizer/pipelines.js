// Small tokenizers, one for each step that a tokenizer.json may list, with vocabularies of some characters and merges.
'use strict';

const kSpace = '\u2581';
const kCharacters = [
  ...Array.from({ length: 95 }, (_, i) => String.fromCharCode(32 + i)),
  ...(kSpace + '\n\u00e9\u0301\u00c9\u4e2d\u3002\u00a0\u00b2\u0663\ufb01\u00df'),
];
const kWords = ['he', 'll', 'hell', 'hello', 'th', 'the', '12', '123', '!!', '  ', kSpace + kSpace, kSpace + 'the'];

// Merges that make each word from its left part and its last character, where the part is a token.
function mergesOf(words) {
  return words.map((word) => {
    const characters = [...word];
    const last = characters.pop();
    return [characters.join(''), last];
  });
}

function characterModel(settings = {}) {
  const words = ['he', 'hel', 'hell', 'hello', 'th', 'the', '12', '123', '!!', '  ', kSpace + kSpace, kSpace + 't', kSpace + 'th',
    kSpace + 'the', 'a' + kSpace, '\n\n']; // prettier-ignore
  const vocab = {};
  for (const token of ['<unk>', ...kCharacters, ...words]) vocab[token] = Object.keys(vocab).length;
  if (settings.byte_fallback)
    for (let byte = 0; byte < 256; ++byte)
      vocab[`<0x${byte.toString(16).toUpperCase().padStart(2, '0')}>`] = Object.keys(vocab).length;
  return { type: 'BPE', unk_token: '<unk>', fuse_unk: false, vocab, merges: mergesOf(words), ...settings };
}

function byteModel(settings = {}) {
  const own = (byte) => (byte >= 33 && byte <= 126) || (byte >= 161 && byte <= 172) || byte >= 174;
  const vocab = {};
  for (let byte = 0, next = 256; byte < 256; ++byte) vocab[String.fromCodePoint(own(byte) ? byte : next++)] = byte;
  const words = ['he', 'hel', 'hell', 'hello', 'th', 'the', '12', '123', '\u0120\u0120', '\u0120t', '\u0120th', '\u0120the'];
  for (const word of [...words, 'whole']) vocab[word] = Object.keys(vocab).length;
  return { type: 'BPE', vocab, merges: mergesOf(words), ...settings };
}

function unigramModel(settings = {}) {
  const tokens = ['<unk>', ...kCharacters, ...kWords, 'lo', 'el', 'hel', 'o' + kSpace, kSpace + 'th'];
  const vocab = tokens.map((token, i) => [token, i === 0 ? 0 : -2 - ((i * 7) % 13) / 4 + [...token].length / 2]);
  if (settings.byte_fallback)
    for (let byte = 0; byte < 256; ++byte) vocab.push([`<0x${byte.toString(16).toUpperCase().padStart(2, '0')}>`, -9]);
  return { type: 'Unigram', unk_id: 0, vocab, ...settings };
}

const fuse = { type: 'Fuse' };
const byteLevel = (settings = {}) => ({ type: 'ByteLevel', add_prefix_space: false, trim_offsets: true, use_regex: true, ...settings });
const metaspace = (settings = {}) => ({ type: 'Metaspace', replacement: kSpace, prepend_scheme: 'always', split: true, ...settings });
const sequence = (key, steps) => ({ type: 'Sequence', [key]: steps });
const split = (pattern, behavior, invert = false) => ({ type: 'Split', pattern, behavior, invert });
const toSpace = { type: 'Replace', pattern: { String: kSpace }, content: ' ' };

// Added tokens have the ids that tokenizers would give them.
function pipeline(parts) {
  const { vocab } = parts.model || characterModel();
  let next = Array.isArray(vocab) ? vocab.length : Object.keys(vocab).length;
  for (const token of parts.added_tokens || []) token.id = vocab[token.content] ?? next++;
  return {
    version: '1.0',
    truncation: null,
    padding: null,
    added_tokens: [],
    normalizer: null,
    pre_tokenizer: null,
    post_processor: null,
    decoder: fuse,
    model: characterModel(),
    ...parts,
  };
}

function added(content, flags = {}) {
  return { content, single_word: false, lstrip: false, rstrip: false, normalized: false, special: false, ...flags };
}

function pipelines() {
  const all = {};
  for (const type of ['NFC', 'NFD', 'NFKC', 'NFKD', 'Lowercase', 'StripAccents'])
    all[`normalizer_${type}`] = pipeline({ normalizer: { type } });
  for (const [left, right] of [[true, true], [true, false], [false, true]])
    all[`strip_${left}_${right}`] = pipeline({ normalizer: { type: 'Strip', strip_left: left, strip_right: right } });
  all.replace_string = pipeline({ normalizer: { type: 'Replace', pattern: { String: 'he' }, content: '\u4e2d' } });
  all.replace_expression = pipeline({ normalizer: { type: 'Replace', pattern: { Regex: ' {2,}|\\p{N}+' }, content: '!' } });
  all.normalizers = pipeline({
    normalizer: sequence('normalizers', [
      { type: 'NFKD' }, { type: 'StripAccents' }, { type: 'Lowercase' }, { type: 'Prepend', prepend: kSpace },
      { type: 'Replace', pattern: { String: ' ' }, content: kSpace },
    ]),
    decoder: sequence('decoders', [toSpace, fuse, { type: 'Strip', content: ' ', start: 1, stop: 1 }]),
  }); // prettier-ignore
  for (const behavior of ['Removed', 'Isolated', 'MergedWithPrevious', 'MergedWithNext', 'Contiguous'])
    for (const invert of [false, true]) {
      all[`split_string_${behavior}_${invert}`] = pipeline({ pre_tokenizer: split({ String: 'l' }, behavior, invert) });
      all[`split_expression_${behavior}_${invert}`] = pipeline({
        pre_tokenizer: split({ Regex: '[\\s\\p{P}]|(?i:th)|\\p{N}{1,2}' }, behavior, invert),
      });
    }
  for (const behavior of ['Removed', 'Isolated', 'MergedWithPrevious', 'MergedWithNext', 'Contiguous'])
    all[`punctuation_${behavior}`] = pipeline({ pre_tokenizer: { type: 'Punctuation', behavior } });
  for (const each of [true, false])
    all[`digits_${each}`] = pipeline({ pre_tokenizer: { type: 'Digits', individual_digits: each } });
  for (const type of ['Whitespace', 'WhitespaceSplit']) all[type] = pipeline({ pre_tokenizer: { type } });
  for (const scheme of ['always', 'first', 'never'])
    for (const splits of [true, false]) {
      const step = metaspace({ prepend_scheme: scheme, split: splits });
      all[`metaspace_${scheme}_${splits}`] = pipeline({
        pre_tokenizer: step,
        decoder: step,
        added_tokens: [added('<x>')],
      });
    }
  all.metaspace_old = pipeline({
    pre_tokenizer: { type: 'Metaspace', replacement: kSpace, add_prefix_space: true },
    decoder: { type: 'Metaspace', replacement: kSpace, add_prefix_space: true },
  });
  all.sequence = pipeline({
    pre_tokenizer: sequence('pretokenizers', [{ type: 'WhitespaceSplit' }, { type: 'Digits', individual_digits: true }, metaspace()]),
  });
  for (const unknown of [{ fuse_unk: true }, { byte_fallback: true }, { fuse_unk: true, byte_fallback: true }, { ignore_merges: true }]) {
    const name = Object.keys(unknown).join('_');
    const decoder = sequence('decoders', [toSpace, { type: 'ByteFallback' }, fuse, { type: 'Strip', content: ' ', start: 1, stop: 0 }]);
    const normalizer = sequence('normalizers', [
      { type: 'Prepend', prepend: kSpace },
      { type: 'Replace', pattern: { String: ' ' }, content: kSpace },
    ]);
    all[`characters_${name}`] = pipeline({ normalizer, decoder, model: characterModel(unknown) });
  }
  for (const prefix of [false, true])
    for (const regex of [false, true]) {
      const step = byteLevel({ add_prefix_space: prefix, use_regex: regex });
      all[`bytes_${prefix}_${regex}`] = pipeline({ pre_tokenizer: step, decoder: step, post_processor: step, model: byteModel() });
    }
  all.bytes_digits = pipeline({
    normalizer: { type: 'NFC' },
    pre_tokenizer: sequence('pretokenizers', [{ type: 'Digits', individual_digits: true }, byteLevel()]),
    decoder: byteLevel(),
    model: byteModel({ ignore_merges: true }),
  });
  for (const settings of [{}, { byte_fallback: true }]) {
    const bytes = settings.byte_fallback ? [{ type: 'ByteFallback' }] : [];
    all[`unigram_${Object.keys(settings).length}`] = pipeline({
      pre_tokenizer: metaspace(),
      decoder: sequence('decoders', [...bytes, metaspace()]),
      model: unigramModel(settings),
    });
    all[`unigram_whole_${Object.keys(settings).length}`] = pipeline({
      normalizer: { type: 'Replace', pattern: { String: ' ' }, content: kSpace },
      decoder: sequence('decoders', [...bytes, toSpace, fuse]),
      model: unigramModel(settings),
    });
  }
  const flags = ['lstrip', 'rstrip', 'single_word', 'normalized'];
  for (let mask = 0; mask < 16; ++mask) {
    const chosen = Object.fromEntries(flags.map((flag, i) => [flag, Boolean(mask & (1 << i))]));
    all[`added_${mask}`] = pipeline({
      normalizer: { type: 'Lowercase' },
      added_tokens: [added('<x>', chosen), added('THE', chosen), added('<x>y'), added('the', { special: true })],
    });
  }
  const special = { id: '<s>', ids: [3, 5], tokens: ['!', '#'] };
  all.template = pipeline({
    post_processor: sequence('processors', [
      byteLevel(),
      {
        type: 'TemplateProcessing',
        single: [{ SpecialToken: { id: '<s>', type_id: 0 } }, { Sequence: { id: 'A', type_id: 0 } }, { SpecialToken: { id: '<s>', type_id: 0 } }],
        pair: [{ Sequence: { id: 'A', type_id: 0 } }, { Sequence: { id: 'B', type_id: 1 } }],
        special_tokens: { '<s>': special },
      },
    ]),
  }); // prettier-ignore
  all.roberta = pipeline({
    post_processor: { type: 'RobertaProcessing', sep: ['!', 3], cls: ['#', 5], trim_offsets: true, add_prefix_space: false },
  });
  return all;
}

// Texts that these distinguish.
const kPieces = [
  'hello', 'Hello', 'the', 'THE', ' the', 'th', ' ', '  ', '   ', '\n', '\n\n', '\t', '1', '12', '1234', '!', '!!', '.,;', '-', '_',
  'a', 'b', 'Z', 'l', 'll', '\u00e9', 'e\u0301', '\u00c9', 'E\u0301\u0316', '\u4e2d', '\u6587', '\u3002', '\u00a0', '\u00b2', '\u0663', '\ufb01',
  '\u00df', '\u0130', '\u2581', '\u2581\u2581', '\u{1f600}', '\uac00', '\u1100\u1161', '\u212b', '\u200d', '<x>', '<x>y', ' <x> ', 'a<x>b', '<unk>',
  '<0x41>', "'s",
]; // prettier-ignore

module.exports = { kPieces, pipelines };
