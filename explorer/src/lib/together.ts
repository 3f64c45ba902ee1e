// What the views ask for in one moment travels in one request, and the answers come back as they are ready: a request
// costs the browser more than most answers cost the engine. Of each slot one request is on its way at a time, and the
// newest waits for its end: so something is drawn however fast the hand moves.
import { ApiError, refusal, send, silence, Stale } from "./api";
import { readBinary, type BinaryAnswer } from "./binary";

type OnEvent = (name: string, data: any) => void;

interface Asked {
  path: string;
  body: unknown;
  slot: string;
  onEvent?: OnEvent;
  resolve: (answer: BinaryAnswer<any>) => void;
  reject: (error: unknown) => void;
  done: boolean;
  since: number; // when it was sent
}

// How long, in milliseconds, a newer request waits for the one in its place. What the eye follows is waited for; the
// lens shows the depths that it has, and what takes long on a large model must not hold up the rest.
const PATIENCE: Record<string, number> = { "/api/tokens": Infinity, "/api/predict": Infinity, "/api/depth": Infinity, "/api/lens": 40 };
const patienceWith = (one: Asked): number => PATIENCE[one.path] ?? 400;

const waiting = new Map<string, Asked>();
let sent: { parts: Asked[]; controller: AbortController }[] = [];
let planned = false;
let timer: ReturnType<typeof setTimeout> | undefined;

// Calls `onEvent` for what comes before the answer, and with "result" for the answer, before any that comes later.
export function ask<T>(path: string, body: unknown, slot: string, onEvent?: OnEvent): Promise<BinaryAnswer<T>> {
  return new Promise((resolve, reject) => {
    waiting.get(slot)?.reject(new Stale());
    waiting.set(slot, { path, body, slot, onEvent, resolve, reject, done: false, since: 0 });
    plan();
  });
}

// Nobody wants the slot's answers any more.
export function drop(slot: string): void {
  waiting.get(slot)?.reject(new Stale());
  waiting.delete(slot);
  cut((one) => one.slot === slot);
}

// What came with an error may show that nobody asks any more: it is worth telling a moment later, if at all.
export const moment = (): Promise<void> => new Promise((done) => setTimeout(done));

function plan(): void {
  if (planned) return;
  planned = true;
  queueMicrotask(() => {
    planned = false;
    sendNext();
  });
}

function sendNext(): void {
  clearTimeout(timer);
  if (waiting.size === 0) return;
  const running = sent.flatMap(({ parts }) => parts.filter((one) => !one.done));
  const rivals = running.filter((one) => waiting.has(one.slot));
  const rest = Math.max(0, ...rivals.map((one) => one.since + patienceWith(one) - performance.now()));
  if (rest > 0) {
    if (rest < Infinity) timer = setTimeout(sendNext, rest); // else their end comes back to this
    return;
  }
  cut((one) => rivals.includes(one));
  // A text's tokens say what the other answers are about.
  const parts = [...waiting.values()].sort((a, b) => Number(b.path === "/api/tokens") - Number(a.path === "/api/tokens"));
  waiting.clear();
  void sendTogether(parts);
}

function cut(isMeant: (one: Asked) => boolean): void {
  for (const { parts, controller } of sent) {
    for (const one of parts.filter((one) => !one.done && isMeant(one))) finish(one, () => one.reject(new Stale()));
    if (parts.every((one) => one.done)) controller.abort();
  }
}

function finish(one: Asked, tell: () => void): void {
  if (one.done) return;
  one.done = true;
  tell();
  if (waiting.size) plan();
}

async function sendTogether(parts: Asked[]): Promise<void> {
  const controller = new AbortController();
  const batch = { parts, controller };
  sent.push(batch);
  for (const one of parts) one.since = performance.now();
  try {
    const requests = parts.map(({ path, slot, body }) => ({ path, slot, body }));
    const response = await send("POST", "/api/together", { requests }, "", "application/octet-stream", controller.signal);
    await readMessages(response.body!.getReader(), ({ request, event, status }, body) => {
      const one = parts[request];
      if (one.done) return;
      try {
        if (event === "result") {
          const answer = readBinary<any>(body);
          one.onEvent?.(event, answer.document);
          finish(one, () => one.resolve(answer));
        } else if (event === "error") refuse(one, refusal(status, parse(body)));
        else one.onEvent?.(event, parse(body));
      } catch (fault) {
        reportError(fault); // ours, not the server's
        finish(one, () => one.reject(fault));
      }
    });
    throw new ApiError(500, "", "the answers ended before their end", "ask again");
  } catch (error) {
    const told = error instanceof ApiError || error instanceof Stale || controller.signal.aborted ? error : silence();
    for (const one of parts) finish(one, () => one.reject(told)); // nothing to those that have their answer
  }
  sent = sent.filter((other) => other !== batch);
}

// A request that was cut may reach the server after the one in its place, which is then taken for the older one.
function refuse(one: Asked, error: Error): void {
  if (error instanceof Stale && !waiting.has(one.slot)) {
    one.done = true;
    waiting.set(one.slot, { ...one, done: false });
    plan();
  } else finish(one, () => one.reject(error));
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
