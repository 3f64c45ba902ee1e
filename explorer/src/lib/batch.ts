// Requests of the same nextTask are sent as one batch, and each result arrives when it is ready: an HTTP request costs the
// browser more time than most results cost the engine. Each slot has one request in flight; the newest one waits until
// it has finished, so that something is drawn however fast the input changes.
import { ApiError, connectionError, responseError, send, Stale } from "./api";
import { readBinary, type BinaryAnswer } from "./binary";

type OnEvent = (name: string, data: any) => void;

interface PendingRequest {
  path: string;
  body: unknown;
  slot: string;
  onEvent?: OnEvent;
  resolve: (answer: BinaryAnswer<any>) => void;
  reject: (error: unknown) => void;
  settled: boolean;
  sentAt: number;
}

// How long, in milliseconds, a newer request waits for the one in flight of the same slot. Views that follow the input
// wait for its end; the lens shows the depths that it has, and slow requests on large models must not block the others.
const MAX_WAIT: Record<string, number> = { tokens: Infinity, predict: Infinity, depth: Infinity, "lens.clean": 40, "lens.edited": 40 }; // by slot
const maxWait = (request: PendingRequest): number => MAX_WAIT[request.slot] ?? 400;

const queued = new Map<string, PendingRequest>(); // by slot
let inFlight: { requests: PendingRequest[]; controller: AbortController }[] = [];
let sendScheduled = false;
let timer: ReturnType<typeof setTimeout> | undefined;

// Calls `onEvent` for each event before the result, and with "result" for the result, before any later message.
export function ask<T>(path: string, body: unknown, slot: string, onEvent?: OnEvent): Promise<BinaryAnswer<T>> {
  return new Promise((resolve, reject) => {
    queued.get(slot)?.reject(new Stale());
    queued.set(slot, { path, body, slot, onEvent, resolve, reject, settled: false, sentAt: 0 });
    scheduleSend();
  });
}

// Cancels the requests of a slot.
export function drop(slot: string): void {
  queued.get(slot)?.reject(new Stale());
  queued.delete(slot);
  cancel((request) => request.slot === slot);
}

// Resolves after the other messages of the same piece: a later one may cancel the request of an error.
export const nextTask = (): Promise<void> => new Promise((done) => setTimeout(done));

function scheduleSend(): void {
  if (sendScheduled) return;
  sendScheduled = true;
  queueMicrotask(() => {
    sendScheduled = false;
    sendQueued();
  });
}

function sendQueued(): void {
  clearTimeout(timer);
  if (queued.size === 0) return;
  const replaced = inFlight.flatMap(({ requests }) => requests.filter((request) => !request.settled && queued.has(request.slot)));
  const wait = Math.max(0, ...replaced.map((request) => request.sentAt + maxWait(request) - performance.now()));
  if (wait > 0) {
    if (wait < Infinity) timer = setTimeout(sendQueued, wait); // else settle() calls this again
    return;
  }
  cancel((request) => replaced.includes(request));
  // The other results need the tokens of the text.
  const requests = [...queued.values()].sort((a, b) => Number(b.path === "/api/tokens") - Number(a.path === "/api/tokens"));
  queued.clear();
  void sendBatch(requests);
}

function cancel(matches: (request: PendingRequest) => boolean): void {
  for (const { requests, controller } of inFlight) {
    for (const request of requests.filter((request) => !request.settled && matches(request))) settle(request, () => request.reject(new Stale()));
    if (requests.every((request) => request.settled)) controller.abort();
  }
}

function settle(request: PendingRequest, resolveOrReject: () => void): void {
  if (request.settled) return;
  request.settled = true;
  resolveOrReject();
  if (queued.size) scheduleSend();
}

async function sendBatch(requests: PendingRequest[]): Promise<void> {
  const controller = new AbortController();
  const batch = { requests, controller };
  inFlight.push(batch);
  for (const request of requests) request.sentAt = performance.now();
  try {
    const fields = requests.map(({ path, slot, body }) => ({ path, slot, body }));
    const response = await send("POST", "/api/batch", { requests: fields }, "", "application/octet-stream", controller.signal);
    await readMessages(response.body!.getReader(), (head, body) => {
      const request = requests[head.request];
      if (request.settled) return;
      try {
        if (head.event === "result") {
          const answer = readBinary<any>(body);
          request.onEvent?.(head.event, answer.document);
          settle(request, () => request.resolve(answer));
        } else if (head.event === "error") fail(request, responseError(head.status, parse(body)));
        else request.onEvent?.(head.event, parse(body));
      } catch (fault) {
        reportError(fault); // an error of the page, not of the server
        settle(request, () => request.reject(fault));
      }
    });
    throw new ApiError(500, "", "the response ended early", "try again");
  } catch (error) {
    const reported = error instanceof ApiError || error instanceof Stale || controller.signal.aborted ? error : connectionError();
    for (const request of requests) settle(request, () => request.reject(reported)); // settled ones keep their result
  }
  inFlight = inFlight.filter((other) => other !== batch);
}

// A cancelled request may reach the server after its successor, which the server then rejects as the older one.
function fail(request: PendingRequest, error: Error): void {
  if (error instanceof Stale && !queued.has(request.slot)) {
    request.settled = true;
    queued.set(request.slot, { ...request, settled: false });
    scheduleSend();
  } else settle(request, () => request.reject(error));
}

interface MessageHead {
  request: number;
  event: string;
  status: number;
}

const parse = (bytes: ArrayBuffer) => JSON.parse(new TextDecoder().decode(bytes));

// Each message is two sizes, a head of the first and a body of the second.
async function readMessages(reader: ReadableStreamDefaultReader<Uint8Array>, onMessage: (head: MessageHead, body: ArrayBuffer) => void): Promise<void> {
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
