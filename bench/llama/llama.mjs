// llama.cpp by node-llama-cpp as a peer; bench/peer.py describes the protocol.
import fs from 'node:fs';
import { getLlama } from 'node-llama-cpp';
import { answer, timed } from '../peers/answer.mjs';

let llama = null;
let threads = 1;
let model = null;
let context = null;
let sequence = null;

// The most likely tokens after the ids, one by one.
async function following(ids, count) {
  await sequence.clearHistory();
  const found = [];
  for await (const token of sequence.evaluate(ids, { temperature: 0, yieldEogToken: true })) {
    found.push(token);
    if (found.length === count) break;
  }
  return found;
}

await answer({
  async hello(request) {
    threads = request.threads;
    llama = await getLlama({ gpu: false, build: 'never', maxThreads: threads, logLevel: 'error', progressLogs: false });
    const { version } = JSON.parse(fs.readFileSync(new URL('node_modules/node-llama-cpp/package.json', import.meta.url)));
    return { name: 'llama.cpp', version: `by node-llama-cpp ${version}`, kernels: 'its own' };
  },
  async load({ gguf }) {
    await model?.dispose();
    const [seconds, made] = await timed(() => llama.loadModel({ modelPath: gguf, gpuLayers: 0 }));
    model = made;
    context = await model.createContext({ contextSize: 1024, batchSize: 1024, threads: { ideal: threads, min: threads } });
    sequence = context.getSequence();
    return { seconds };
  },
  // From the prompt to the next tokens.
  async prompt({ ids, count = 1 }) {
    const [seconds, found] = await timed(() => following(ids, count));
    return { seconds, ids: found };
  },
});
