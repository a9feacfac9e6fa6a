// The parts of a browser, of Node or of React Native that the client uses. Any of them may be missing.

/** The part of a WebSocket that is used; browsers', React Native's and `ws`' have it. */
export interface Socket {
  readonly readyState: number;
  onmessage: ((event: { data: unknown }) => void) | null;
  onclose: ((event: { code: number; reason: string }) => void) | null;
  onerror: ((event: unknown) => void) | null;
  send(text: string): void;
  close(): void;
}

export interface Platform {
  /** Needed where there is no global one: Node 20 (the package `ws`). */
  WebSocket: new (url: string, protocols: string[]) => Socket;
  fetch: typeof fetch;
  /** Receives `online`, `pageshow` and `visibilitychange`; null where there is no page. */
  page: Pick<EventTarget, "addEventListener" | "removeEventListener"> | null;
  isHidden(): boolean;
  /** Between 0 and 1. */
  random(): number;
}

interface Global {
  WebSocket?: Platform["WebSocket"];
  fetch?: typeof fetch;
  addEventListener?: unknown;
  document?: { hidden: boolean };
}

/** The parts of this environment, replaced by those that are given. */
export function platform(given: Partial<Platform> = {}): Platform {
  const here = globalThis as Global;
  const page = typeof here.addEventListener === "function" && here.document ? (globalThis as unknown as EventTarget) : null;
  return {
    WebSocket: class {
      constructor() {
        throw new Error("There is no WebSocket here: pass platform.WebSocket.");
      }
    } as unknown as Platform["WebSocket"],
    ...(here.WebSocket && { WebSocket: here.WebSocket }),
    fetch: (input, init) => globalThis.fetch(input, init),
    page,
    isHidden: () => here.document?.hidden ?? false,
    random: Math.random,
    ...given,
  };
}

let lastTime = 0;

/** A new client_id or request id, at most 64 characters; those of one page sort in the order of their making. */
export function newId(): string {
  lastTime = Math.max(Date.now(), lastTime + 1);
  const random = new Uint32Array(3);
  if ((globalThis as { crypto?: Crypto }).crypto) crypto.getRandomValues(random);
  else for (let n = 0; n < 3; n++) random[n] = Math.random() * 2 ** 32; // React Native has no crypto
  return [lastTime, ...random].map((number) => number.toString(36).padStart(9, "0")).join("-");
}
