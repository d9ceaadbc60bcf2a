import type { HandshakeStep, Locale, Rotation, Text } from "@ciclo/contract";
import type * as store from "./store.ts";

/** A step as it goes on, before a language is chosen. */
export type LocalStep = Omit<HandshakeStep, "detail"> & { detail: Text };
export type Progress = store.Progress;

/** How often a watcher looks whether another node has got on. */
const lookMs = 1000;

/** A rotation as people see it: what is stored, and how far this process has got with it. */
export function present(row: store.StoredRotation, live: Progress | undefined, locale: Locale): Rotation {
  const servers = row.status === "running" ? (live ?? []) : row.servers;
  return {
    id: row.id,
    provider: row.provider,
    name: row.name,
    version: row.version,
    // Under way until this process has taken the outcome in, so that who sees the end meets the new value.
    status: live === undefined ? row.status : "running",
    forced: row.forced,
    detail: row.detail[locale],
    started_at: row.started_at,
    ended_at: row.ended_at,
    servers: servers.map(({ server, steps }) => ({
      server,
      steps: steps.map((step) => ({ ...step, detail: step.detail[locale] })),
    })),
  };
}

/** Sends the rotation whenever it has got on, until it has ended. */
export function streamOf(
  read: () => Promise<Rotation>,
  watchers: Set<() => void>,
): ReadableStream<Uint8Array> {
  const encoder = new TextEncoder();
  let release = (): void => {};
  return new ReadableStream({
    start(controller) {
      let last = "";
      const look = async (): Promise<void> => {
        const rotation = await read();
        const data = JSON.stringify(rotation);
        if (data !== last) controller.enqueue(encoder.encode(`event: rotation\ndata: ${data}\n\n`));
        last = data;
        if (rotation.status === "running") return;
        release();
        controller.close();
      };
      let turn: Promise<void> = Promise.resolve();
      const wake = (): void => {
        turn = turn
          .then(() => (watchers.has(wake) ? look() : undefined))
          .catch((error: unknown) => {
            release();
            controller.error(error);
          });
      };
      const timer = setInterval(wake, lookMs).unref();
      release = () => {
        clearInterval(timer);
        watchers.delete(wake);
      };
      watchers.add(wake);
      wake();
    },
    cancel: () => release(),
  });
}
