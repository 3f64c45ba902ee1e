// Answers one JSON request a line, one at a time, by the function of `actions` that its "do" names (bench/peer.py).
import readline from 'node:readline';

export async function answer(actions) {
  for await (const line of readline.createInterface({ input: process.stdin })) {
    const request = JSON.parse(line);
    process.stdout.write(JSON.stringify(await actions[request.do](request)) + '\n');
  }
}

// Seconds that `work` takes, and what it gives.
export async function timed(work) {
  const start = performance.now();
  const result = await work();
  return [(performance.now() - start) / 1e3, result];
}
