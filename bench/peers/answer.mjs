// Serves one JSON request per line by the function of `actions` named by its "do" (bench/peer.py).
import readline from 'node:readline';

export async function answer(actions) {
  for await (const line of readline.createInterface({ input: process.stdin })) {
    const request = JSON.parse(line);
    process.stdout.write(JSON.stringify(await actions[request.do](request)) + '\n');
  }
}

// The seconds that `work` takes, and its result.
export async function timed(work) {
  const start = performance.now();
  const result = await work();
  return [(performance.now() - start) / 1e3, result];
}
