import { type LiveEvent, liveTopics } from "@ciclo/contract";
import { addressOf, call } from "./api.ts";

export type LiveState = "connecting" | "live" | "lost";

/** What one tab tells the others: an event, the connection's state, or that anything may have changed. */
type Word = { event: LiveEvent } | { state: LiveState } | { missed: true } | { ask: true };

export type LiveListener = {
  event(event: LiveEvent): void;
  state(state: LiveState): void;
  /** Events were missed: read everything again. */
  missed(): void;
};

/** Waits between attempts where EventSource itself has given up: doubled each time. */
const firstRetryMs = 3000;
const longestRetryMs = 60_000;

/**
 * Listens to the console's events. Of all tabs of this browser one holds the connection
 * and tells the others, because a browser opens only six to an origin. Returns what stops it.
 */
export function listen(listener: LiveListener): () => void {
  const channel = new BroadcastChannel("ciclo.live");
  const leaving = new AbortController();
  let current: LiveState = "connecting";
  const hear = (word: Word): void => {
    if ("event" in word) listener.event(word.event);
    else if ("missed" in word) listener.missed();
    else if ("state" in word) {
      current = word.state;
      listener.state(current);
    }
  };
  const tell = (word: Word): void => {
    hear(word);
    channel.postMessage(word);
  };
  channel.addEventListener("message", ({ data }: MessageEvent<Word>) => hear(data));
  channel.postMessage({ ask: true } satisfies Word);
  const lead = (): Promise<void> =>
    new Promise((resolve) => {
      const answer = ({ data }: MessageEvent<Word>): void => {
        if ("ask" in data) channel.postMessage({ state: current } satisfies Word);
      };
      channel.addEventListener("message", answer);
      const disconnect = connect(tell);
      leaving.signal.addEventListener("abort", () => {
        disconnect();
        resolve();
      });
    });
  // Absent where the page came over plain HTTP from another machine: then each tab has a connection.
  const turn = navigator.locks?.request("ciclo.live", { signal: leaving.signal }, lead) ?? lead();
  turn.catch((error: unknown) => {
    if (!leaving.signal.aborted) throw error;
  });
  return () => {
    leaving.abort();
    channel.close();
  };
}

function connect(tell: (word: Word) => void): () => void {
  let source: EventSource | null = null;
  let retry: ReturnType<typeof setTimeout> | undefined;
  let retryMs = firstRetryMs;
  let stopped = false;
  // EventSource gives up on a refusal. Asking for the session first waits until it is there again.
  const openAgain = (): void => {
    retryMs = Math.min(longestRetryMs, retryMs * 2);
    retry = setTimeout(() => {
      call("getSession").then(() => stopped || open(), openAgain);
    }, retryMs);
  };
  const open = (): void => {
    source = new EventSource(addressOf("events"));
    // A connection begins at the present; what happened before it is read again.
    const opened = (): void => {
      retryMs = firstRetryMs;
      tell({ state: "live" });
      tell({ missed: true });
    };
    source.addEventListener("ready", opened);
    source.addEventListener("reset", opened);
    for (const topic of liveTopics) {
      source.addEventListener(topic, ({ data }: MessageEvent<string>) =>
        tell({ event: JSON.parse(data) as LiveEvent }),
      );
    }
    source.addEventListener("error", () => {
      tell({ state: "lost" });
      if (source?.readyState === EventSource.CLOSED) openAgain();
    });
  };
  open();
  return () => {
    stopped = true;
    clearTimeout(retry);
    source?.close();
  };
}
