// What the views ask for in one moment travels in one request, and the answers come back as they are ready: a request
// costs the browser more than most answers cost the engine.
import { ApiError, inSlot, refusal, send, SILENCE, Stale } from "./api";
import { readBinary, type BinaryAnswer } from "./binary";

type OnEvent = (name: string, data: any) => void;

interface Asked {
  path: string;
  body: unknown;
  slot: string;
  signal: AbortSignal;
  onEvent?: OnEvent;
  resolve: (answer: BinaryAnswer<any>) => void;
  reject: (error: unknown) => void;
}

let asked: Asked[] = [];

// Calls `onEvent` for what comes before the answer, and with "result" for the answer, before any that lies behind it.
export function ask<T>(path: string, body: unknown, slot: string, onEvent?: OnEvent): Promise<BinaryAnswer<T>> {
  return inSlot(
    slot,
    (signal) =>
      new Promise((resolve, reject) => {
        if (asked.length === 0) queueMicrotask(() => void sendTogether(asked.splice(0)));
        signal!.addEventListener("abort", () => reject(new Stale()));
        asked.push({ path, body, slot, signal: signal!, onEvent, resolve, reject });
      }),
  );
}

// What came with an error may show that nobody asks any more: it is worth telling a moment later, if at all.
export const moment = (): Promise<void> => new Promise((done) => setTimeout(done));

async function sendTogether(batch: Asked[]): Promise<void> {
  const all = batch.filter((one) => !one.signal.aborted);
  if (all.length === 0) return;
  // A text's tokens say what the other answers are about.
  all.sort((a, b) => Number(b.path === "/api/tokens") - Number(a.path === "/api/tokens"));
  const controller = new AbortController();
  let wanted = all.length;
  for (const one of all)
    one.signal.addEventListener("abort", () => {
      if (--wanted === 0) controller.abort();
    });
  try {
    const requests = all.map(({ path, slot, body }) => ({ path, slot, body }));
    const response = await send("POST", "/api/together", { requests }, "", "application/octet-stream", controller.signal);
    await readMessages(response.body!.getReader(), ({ request, event, status }, body) => {
      const one = all[request];
      if (one.signal.aborted) return;
      try {
        if (event === "result") {
          const answer = readBinary<any>(body);
          one.onEvent?.(event, answer.document);
          one.resolve(answer);
        } else if (event === "error") one.reject(refusal(status, parse(body)));
        else one.onEvent?.(event, parse(body));
      } catch (fault) {
        reportError(fault); // ours, not the server's
        one.reject(fault);
      }
    });
    throw new Error("the answers ended before their time");
  } catch (error) {
    const told = error instanceof ApiError || error instanceof Stale ? error : new ApiError(0, SILENCE, "", "");
    for (const one of all) one.reject(told); // nothing to those that have their answer
  }
}

interface Head {
  request: number;
  event: string;
  status: number;
}

const parse = (bytes: ArrayBuffer) => JSON.parse(new TextDecoder().decode(bytes));

// Each message is two sizes, a head of the first and a body of the second.
async function readMessages(reader: ReadableStreamDefaultReader<Uint8Array>, onMessage: (head: Head, body: ArrayBuffer) => void): Promise<void> {
  let rest = new Uint8Array(0);
  for (;;) {
    const { done, value } = await reader.read();
    if (done) return;
    let bytes = value;
    if (rest.length) {
      bytes = new Uint8Array(rest.length + value.length);
      bytes.set(rest);
      bytes.set(value, rest.length);
    }
    let at = 0;
    while (bytes.length - at >= 8) {
      const sizes = new DataView(bytes.buffer, bytes.byteOffset + at, 8);
      const head = at + 8;
      const body = head + sizes.getUint32(0, true);
      const end = body + sizes.getUint32(4, true);
      if (end > bytes.length) break;
      const copied = bytes.slice(head, end).buffer;
      onMessage(parse(copied.slice(0, body - head)), copied.slice(body - head));
      at = end;
    }
    rest = bytes.slice(at);
  }
}
