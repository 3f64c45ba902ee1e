// Talks to the server. Requests of one slot replace each other: an answer that nobody waits for any more is cancelled
// in the browser and in the engine.
import { readBinary, type BinaryAnswer } from "./binary";

export class ApiError extends Error {
  constructor(
    public status: number,
    message: string,
    public problem: string,
    public hint: string,
    public details = "",
  ) {
    super(message);
  }
}

// A newer request took its place; nothing to tell anybody.
export class Stale extends Error {}

const client = crypto.getRandomValues(new Uint32Array(4)).join("-");
const running = new Map<string, AbortController>();

// A server beyond this machine printed its token behind '#'.
function readToken(): string {
  const inAddress = /(?:^#|&)token=([\w-]+)/.exec(location.hash);
  if (inAddress) sessionStorage.setItem("token", inAddress[1]);
  return sessionStorage.getItem("token") ?? "";
}
const token = readToken();

function headers(slot: string, accept: string): Record<string, string> {
  const all: Record<string, string> = {
    "Content-Type": "application/json",
    "X-Stratoscope-Client": client,
    Accept: accept,
  };
  if (slot) all["X-Stratoscope-Slot"] = slot;
  if (token) all.Authorization = `Bearer ${token}`;
  return all;
}

async function refusal(response: Response): Promise<Error> {
  if (response.status === 409 && response.headers.get("Content-Type")?.includes("json")) {
    const body = await response.json();
    if (body.error?.where === "request") return new Stale();
    return new ApiError(409, body.error.message, body.error.problem, body.error.hint);
  }
  const body = await response.json().catch(() => ({}));
  const error = body.error ?? { message: `the server answered ${response.status}`, problem: "", hint: "" };
  return new ApiError(response.status, error.message, error.problem, error.hint, error.details);
}

async function send(method: string, path: string, body: unknown, slot: string, accept: string): Promise<Response> {
  const controller = new AbortController();
  if (slot) {
    running.get(slot)?.abort();
    running.set(slot, controller);
  }
  let response: Response;
  try {
    response = await fetch(path, {
      method,
      headers: headers(slot, accept),
      body: body === undefined ? undefined : JSON.stringify(body),
      signal: controller.signal,
    });
  } catch (error) {
    if (controller.signal.aborted) throw new Stale();
    throw new ApiError(0, "the server does not answer; is `stratoscope serve` still running?", "", "");
  }
  if (!response.ok) throw await refusal(response);
  return response;
}

// What a request throws when its slot was taken while the body came in.
async function whole<T>(read: Promise<T>): Promise<T> {
  try {
    return await read;
  } catch (error) {
    if (error instanceof DOMException && error.name === "AbortError") throw new Stale();
    throw error;
  }
}

export async function getJson<T>(path: string, slot = ""): Promise<T> {
  return whole((await send("GET", path, undefined, slot, "application/json")).json());
}

export async function postJson<T>(path: string, body: unknown, slot = ""): Promise<T> {
  return whole((await send("POST", path, body, slot, "application/json")).json());
}

export async function change<T>(method: "PATCH" | "DELETE", path: string, body?: unknown): Promise<T | undefined> {
  const response = await send(method, path, body, "", "application/json");
  return response.status === 204 ? undefined : response.json();
}

export async function postBinary<T>(path: string, body: unknown, slot = ""): Promise<BinaryAnswer<T>> {
  const response = await send("POST", `${path}?format=binary`, body, slot, "application/octet-stream");
  return readBinary<T>(await whole(response.arrayBuffer()));
}

export async function postFile(path: string, body: unknown): Promise<Blob> {
  return (await send("POST", path, body, "", "*/*")).blob();
}

// Server-sent events: calls `onEvent` for each but the last, and returns the result.
export async function postStream<T>(
  path: string,
  body: unknown,
  slot: string,
  onEvent: (name: string, data: any) => void,
): Promise<T> {
  const response = await send("POST", path, body, slot, "text/event-stream");
  const reader = response.body!.pipeThrough(new TextDecoderStream()).getReader();
  let rest = "";
  for (;;) {
    const { done, value } = await whole(reader.read());
    if (done) throw new ApiError(0, "the stream ended before its result", "", "");
    const events = (rest + value).split("\n\n");
    rest = events.pop()!;
    for (const event of events) {
      const [, name, data] = /^event: (.*)\ndata: (.*)$/s.exec(event)!;
      const parsed = JSON.parse(data);
      if (name === "result") return parsed;
      if (name === "error") {
        if (parsed.error.where === "request" && parsed.error.problem.includes("newer")) throw new Stale();
        throw new ApiError(400, parsed.error.message, parsed.error.problem, parsed.error.hint);
      }
      onEvent(name, parsed);
    }
  }
}

export function cancel(slot: string): void {
  running.get(slot)?.abort();
}
