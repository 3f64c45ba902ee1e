// Hugging Face's tokenizers (npm) as a peer; bench/peer.py describes the protocol.
import fs from 'node:fs';
import path from 'node:path';
import { createRequire } from 'node:module';
import { BPE, Tokenizer, byteLevelPreTokenizer } from 'tokenizers';
import { answer, timed } from './answer.mjs';

let tokenizer = null;
let texts = [];

await answer({
  hello() {
    const { version } = createRequire(import.meta.url)('tokenizers/package.json');
    return { name: 'tokenizers', version, kernels: 'Rust' };
  },
  async load_tokenizer({ folder, texts: file }) {
    texts = JSON.parse(fs.readFileSync(file, 'utf8'));
    const whole = path.join(folder, 'tokenizer.json');
    const [seconds, loaded] = await timed(async () => {
      if (fs.existsSync(whole)) return Tokenizer.fromFile(whole);
      const made = new Tokenizer(await BPE.fromFile(path.join(folder, 'vocab.json'), path.join(folder, 'merges.txt')));
      made.setPreTokenizer(byteLevelPreTokenizer(false, true));
      return made;
    });
    tokenizer = loaded;
    return { seconds };
  },
  async tokenize({ file }) {
    const options = { addSpecialTokens: false };
    const [seconds, ids] = await timed(async () =>
      (await tokenizer.encodeBatch(texts, options)).map((encoding) => encoding.getIds())
    );
    if (file) fs.writeFileSync(file, new Uint8Array(Int32Array.from(ids.flat()).buffer));
    return { seconds, tokens: ids.reduce((sum, { length }) => sum + length, 0) };
  },
});
