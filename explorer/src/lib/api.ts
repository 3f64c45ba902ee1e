// Talks to the server. Requests of one slot replace each other: an answer that nobody waits for any more is cancelled
// in the browser and in the engine.
import { connection } from "./connection.svelte";
import { pageDetails, pageHint, pageWords } from "./words";

export class ApiError extends Error {
  constructor(
    public status: number, // 0 where nobody answers
    public where: string, // the part that noticed
    public problem: string,
    public hint: string,
    public details = "",
  ) {
    super(hint ? `${problem}; ${hint}` : problem);
  }
}

// A newer request took its place; nothing to tell anybody.
export class Stale extends Error {}

export const SILENCE = "the server does not answer";

// Relative to the page, which may lie in a folder of a proxy.
const addressOf = (path: string): string => path.replace(/^\//, "");

const client = crypto.getRandomValues(new Uint32Array(4)).join("-");
const running = new Map<string, AbortController>();

// What is no code, in an address that was typed, stays as it is.
function decoded(text: string): string {
  try {
    return decodeURIComponent(text);
  } catch {
    return text;
  }
}

// A server beyond this machine printed its token behind '#'.
function readToken(): string {
  const inAddress = /(?:^#|&)token=([^&]+)/.exec(location.hash);
  if (inAddress) sessionStorage.setItem("token", decoded(inAddress[1]));
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

export function refusal(status: number, body: any): Error {
  const error = body?.error ?? { message: `the server answered ${status}` };
  if (status === 409 && error.where === "request") return new Stale();
  const problem = pageWords(error.problem || error.message);
  const subject = /^(is|are|has|needs) /.test(problem) ? `the ${error.where} ` : "";
  return new ApiError(status, error.where ?? "", subject + problem, pageHint(error.hint ?? ""), pageDetails(error.details ?? ""));
}

// Nobody is there, or a proxy says so for the server.
export function silence(): ApiError {
  void connection.lose(async () => (await fetch(addressOf("/api/status"), { headers: headers("", "application/json"), cache: "no-store" })).status < 500);
  return new ApiError(0, "", SILENCE, "");
}

export async function send(method: string, path: string, body: unknown, slot: string, accept: string, signal?: AbortSignal): Promise<Response> {
  let response: Response;
  try {
    response = await fetch(addressOf(path), {
      method,
      headers: headers(slot, accept),
      body: body === undefined ? undefined : JSON.stringify(body),
      signal,
    });
  } catch (error) {
    if (signal?.aborted) throw new Stale();
    throw silence();
  }
  if (response.ok) return response;
  const reason = await response.json().catch(() => null);
  if (reason === null && response.status >= 502 && response.status <= 504) throw silence();
  throw refusal(response.status, reason);
}

// Asks in the place of what was asked in this slot before. Requests may overtake each other on their way; then the
// server takes the older one for the newer, and the newer one asks again.
async function inSlot<T>(slot: string, ask: (signal?: AbortSignal) => Promise<T>): Promise<T> {
  if (!slot) return ask();
  const controller = new AbortController();
  running.get(slot)?.abort();
  running.set(slot, controller);
  const { signal } = controller;
  for (;;) {
    try {
      return await ask(signal);
    } catch (error) {
      if (signal.aborted) throw new Stale();
      if (!(error instanceof Stale)) throw error;
    }
  }
}

export function getJson<T>(path: string, slot = ""): Promise<T> {
  return inSlot(slot, async (signal) => (await send("GET", path, undefined, slot, "application/json", signal)).json());
}

export function postJson<T>(path: string, body: unknown, slot = ""): Promise<T> {
  return inSlot(slot, async (signal) => (await send("POST", path, body, slot, "application/json", signal)).json());
}

export async function change<T>(method: "PATCH" | "DELETE", path: string, body?: unknown): Promise<T | undefined> {
  const response = await send(method, path, body, "", "application/json");
  return response.status === 204 ? undefined : response.json();
}

export async function postFile(path: string, body: unknown): Promise<Blob> {
  return (await send("POST", path, body, "", "*/*")).blob();
}

// Server-sent events: calls `onEvent` for each but the last, and returns the result.
export function postStream<T>(path: string, body: unknown, slot: string, onEvent: (name: string, data: any) => void): Promise<T> {
  return inSlot(slot, async (signal) => {
    const response = await send("POST", path, body, slot, "text/event-stream", signal);
    const reader = response.body!.pipeThrough(new TextDecoderStream()).getReader();
    let rest = "";
    let result: { value: T } | null = null;
    for (;;) {
      const { done, value } = await reader.read().catch((error) => {
        throw signal?.aborted ? error : silence();
      });
      if (done && result) return result.value;
      if (done) throw new ApiError(500, "", "the answer ended before its end", "ask again");
      const events = (rest + value).split("\n\n");
      rest = events.pop()!;
      for (const event of events) {
        const [, name, data] = /^event: (.*)\ndata: (.*)$/s.exec(event)!;
        const parsed = JSON.parse(data);
        if (name === "result") result = { value: parsed };
        else if (name === "error") {
          if (parsed.error.where === "request" && parsed.error.problem.includes("newer")) throw new Stale();
          throw refusal(400, parsed);
        } else if (!signal?.aborted) onEvent(name, parsed);
      }
    }
  });
}

export function cancel(slot: string): void {
  running.get(slot)?.abort();
}
