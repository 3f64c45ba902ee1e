// Writes the expected values of tests/text/tokenizer_families_test.cpp, from npm tokenizers.
//   node families.js OUT_FOLDER TEXTS STEP [NAME=TOKENIZER_FOLDER …]
// writes OUT_FOLDER/NAME/tokenizer.json and, little-endian, OUT_FOLDER/NAME/cases for the small tokenizers of
// pipelines.js, and for each tokenizer named: so many random texts, and every STEPth code point.
//   cases       u32 n, n times u32: the ids of '' with special tokens; then a record for each text: u32 bytes, the text,
//               u32 n, n times u32 id, u32 bytes, the text that the ids are decoded to
'use strict';
const fs = require('fs');
const path = require('path');
const { Tokenizer } = require('tokenizers');
const { kPieces, pipelines } = require('./pipelines.js');
const { kProse, kRuns, randomFrom, randomTexts } = require('./texts.js');

const kOptions = { addSpecialTokens: false };
const u32 = (numbers) => Buffer.from(Uint32Array.from(numbers).buffer);
const counted = (text) => {
  const bytes = Buffer.from(text, 'utf8');
  return [u32([bytes.length]), bytes];
};

async function writeCases(folder, tokenizer, texts) {
  const around = (await tokenizer.encode('', null, { addSpecialTokens: true })).getIds();
  const chunks = [u32([around.length]), u32(around)];
  for (const text of texts) {
    const ids = (await tokenizer.encode(text, null, kOptions)).getIds();
    const decoded = ids.length === 0 ? '' : await tokenizer.decode(ids, false);
    chunks.push(...counted(text), u32([ids.length]), u32(ids), ...counted(decoded));
  }
  fs.writeFileSync(path.join(folder, 'cases'), Buffer.concat(chunks));
}

function texts(count) {
  const random = randomFrom(20260202);
  const below = (limit) => Math.floor(random() * limit);
  return Array.from({ length: count }, () =>
    Array.from({ length: below(12) }, () => kPieces[below(kPieces.length)]).join(''),
  );
}

// Every STEPth code point next to a letter, a number, a space and a sign, some of them in one text.
function sweep(step) {
  const swept = [];
  let text = '';
  for (let codePoint = 0; codePoint <= 0x10ffff; codePoint += step) {
    if (codePoint >= 0xd800 && codePoint <= 0xdfff) continue;
    const c = String.fromCodePoint(codePoint);
    text += `a${c}1${c} ${c}!${c}'t  ${c}x\n${c}`;
    if (text.length > 400) {
      swept.push(text);
      text = '';
    }
  }
  return [...swept, text];
}

// The vocabulary's tokens as texts, without those that end inside a character.
function vocabularyTexts({ model, pre_tokenizer: preTokenizer }) {
  const byteOf = new Map();
  const own = (byte) => (byte >= 33 && byte <= 126) || (byte >= 161 && byte <= 172) || byte >= 174;
  for (let byte = 0, next = 256; byte < 256; ++byte) byteOf.set(String.fromCodePoint(own(byte) ? byte : next++), byte);
  const isByteLevel = JSON.stringify(preTokenizer || '').includes('ByteLevel');
  const textOf = (spelling) =>
    isByteLevel
      ? Buffer.from([...spelling].map((character) => byteOf.get(character) ?? 63)).toString('utf8')
      : spelling.replaceAll('\u2581', ' ');
  return Object.keys(model.vocab)
    .sort()
    .map(textOf)
    .filter((text) => !text.includes('\ufffd'));
}

async function main([out, count, step, ...families]) {
  const small = texts(300);
  for (const [name, definition] of Object.entries(pipelines())) {
    const folder = path.join(out, name);
    fs.mkdirSync(folder, { recursive: true });
    fs.writeFileSync(path.join(folder, 'tokenizer.json'), JSON.stringify(definition));
    await writeCases(folder, Tokenizer.fromString(JSON.stringify(definition)), small);
  }
  for (const family of families) {
    const [name, models] = family.split('=');
    const folder = path.join(out, name);
    fs.mkdirSync(folder, { recursive: true });
    const file = path.join(folder, 'tokenizer.json');
    fs.copyFileSync(path.join(models, 'tokenizer.json'), file);
    const definition = JSON.parse(fs.readFileSync(file, 'utf8'));
    const added = definition.added_tokens.slice(0, 300).map(({ content }) => content);
    const random = randomTexts(Number(count), vocabularyTexts(definition), added);
    await writeCases(folder, Tokenizer.fromFile(file), [...kProse, ...kRuns, ...random, ...sweep(Number(step))]);
  }
}

main(process.argv.slice(2)).catch((error) => {
  console.error(error);
  process.exit(1);
});
