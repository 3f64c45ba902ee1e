// Requests to the server. A newer request of a slot cancels the older one, in the browser and in the engine.
import { connection } from "./connection.svelte";
import { pageDetails, pageHint, pageWords } from "./words";

export class ApiError extends Error {
  constructor(
    public status: number, // 0 without a response
    public where: string, // the part of the program with the error
    public problem: string,
    public hint: string,
    public details = "",
  ) {
    super(hint ? `${problem}; ${hint}` : problem);
  }
}

// A newer request has replaced this one; not an error for the user.
export class Stale extends Error {}

export const NO_RESPONSE = "the server does not respond";

// Relative to the page, whose path may have a proxy's prefix.
const addressOf = (path: string): string => path.replace(/^\//, "");

const client = crypto.getRandomValues(new Uint32Array(4)).join("-");
const running = new Map<string, AbortController>();

// Invalid escapes of a typed address stay as they are.
function decoded(text: string): string {
  try {
    return decodeURIComponent(text);
  } catch {
    return text;
  }
}

// The addresses that a server with a token prints have it in the fragment.
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

export function responseError(status: number, body: any): Error {
  const error = body?.error ?? { message: `the server responded with status ${status}` };
  if (status === 409 && error.where === "request") return new Stale();
  const problem = pageWords(error.problem || error.message);
  const subject = /^(is|are|has|needs) /.test(problem) ? `the ${error.where} ` : "";
  return new ApiError(status, error.where ?? "", subject + problem, pageHint(error.hint ?? ""), pageDetails(error.details ?? ""));
}

// For a missing response, also if a proxy reports it.
export function connectionError(): ApiError {
  void connection.lose(async () => (await fetch(addressOf("/api/status"), { headers: headers("", "application/json"), cache: "no-store" })).status < 500);
  return new ApiError(0, "", NO_RESPONSE, "");
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
    throw connectionError();
  }
  if (response.ok) return response;
  const reason = await response.json().catch(() => null);
  if (reason === null && response.status >= 502 && response.status <= 504) throw connectionError();
  throw responseError(response.status, reason);
}

// Sends a request in place of the previous one of its slot. If requests overtake each other on the network, the server
// rejects the newer one, which is then sent again.
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

// Server-sent events: calls `onEvent` for each except the last, which is the result.
export function postStream<T>(path: string, body: unknown, slot: string, onEvent: (name: string, data: any) => void): Promise<T> {
  return inSlot(slot, async (signal) => {
    const response = await send("POST", path, body, slot, "text/event-stream", signal);
    const reader = response.body!.pipeThrough(new TextDecoderStream()).getReader();
    let rest = "";
    let result: { value: T } | null = null;
    for (;;) {
      const { done, value } = await reader.read().catch((error) => {
        throw signal?.aborted ? error : connectionError();
      });
      if (done && result) return result.value;
      if (done) throw new ApiError(500, "", "the response ended early", "try again");
      const events = (rest + value).split("\n\n");
      rest = events.pop()!;
      for (const event of events) {
        const [, name, data] = /^event: (.*)\ndata: (.*)$/s.exec(event)!;
        const parsed = JSON.parse(data);
        if (name === "result") result = { value: parsed };
        else if (name === "error") {
          if (parsed.error.where === "request" && parsed.error.problem.includes("newer")) throw new Stale();
          throw responseError(400, parsed);
        } else if (!signal?.aborted) onEvent(name, parsed);
      }
    }
  });
}

export function cancel(slot: string): void {
  running.get(slot)?.abort();
}
