// ONNX Runtime as a peer (bench/peer.py describes the protocol); or, for a cold start, `onnxruntime.mjs predict FILE
// IDS`.
import fs from 'node:fs';
import ort from 'onnxruntime-node';
import { answer, timed } from './answer.mjs';

let options = {};
let session = null;
let run = null;

const tensor = (ids) => new ort.Tensor('int64', BigInt64Array.from(ids, BigInt), [ids.length]);

const actions = {
  hello({ threads }) {
    options = { intraOpNumThreads: threads };
    return { name: 'ONNX Runtime', version: ort.env.versions.node, kernels: 'its own' };
  },
  async load({ onnx }) {
    await session?.release();
    session = null;
    const [seconds, made] = await timed(() => ort.InferenceSession.create(onnx, options));
    session = made;
    return { seconds };
  },
  async forward({ ids }) {
    const feeds = { ids: tensor(ids) };
    run = null;
    const [seconds, made] = await timed(() => session.run(feeds));
    run = made;
    return { seconds };
  },
  save({ file }) {
    for (const name of ['hidden_states', 'logits']) {
      const { buffer, byteOffset, byteLength } = run[name].data;
      fs.writeFileSync(`${file}.${name}`, new Uint8Array(buffer, byteOffset, byteLength));
    }
    return {};
  },
};

async function predict(file, ids) {
  const { logits } = await (await ort.InferenceSession.create(file)).run({ ids: tensor(JSON.parse(ids)) });
  const last = logits.data.subarray(logits.data.length - logits.dims[1]);
  console.log(last.reduce((best, value, i) => (value > last[best] ? i : best), 0));
}

if (process.argv[2] === 'predict') await predict(...process.argv.slice(3));
else await answer(actions);
