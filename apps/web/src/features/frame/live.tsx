import type { LiveEvent, LiveTopic } from "@ciclo/contract";
import { useLingui } from "@lingui/react/macro";
import { type QueryClient, useQueryClient } from "@tanstack/react-query";
import { createContext, type ReactNode, useContext, useEffect, useState } from "react";
import { listen, type LiveState } from "../../live.ts";

/** What is read again when something happens to a subject; by first part of the query key. */
const shows: Record<LiveTopic, readonly string[]> = {
  changes: [
    "changes",
    "change",
    "approvals",
    "rollback",
    "audit",
    "health",
    "configuration",
    "servers",
    "server",
  ],
  servers: ["servers", "server", "tool", "configuration", "health", "audit"],
  keys: ["keys", "rotation", "servers", "server", "audit"],
  access: ["users", "run-tokens", "session", "approvals", "audit"],
  assistant: ["threads", "audit"],
  usage: ["usage", "audit"],
  cycles: ["cycles", "cycle", "audit"],
  audit: ["audit"],
};

/** Events that come together are answered by one reading. */
const gatherMs = 150;

const Connection = createContext<LiveState>("connecting");
export const useConnection = (): LiveState => useContext(Connection);

/** Keeps what is shown as it is on the server, by the console's events. */
export function Live({ children }: { children: ReactNode }) {
  const client = useQueryClient();
  const [state, setState] = useState<LiveState>("connecting");
  useEffect(() => {
    const gathering = gather(client);
    const stop = listen({
      state: setState,
      event: gathering.add,
      missed: () => void client.invalidateQueries(),
    });
    return () => {
      gathering.stop();
      stop();
    };
  }, [client]);
  return <Connection value={state}>{children}</Connection>;
}

function gather(client: QueryClient): { add(event: LiveEvent): void; stop(): void } {
  const stale = new Set<string>();
  let timer: ReturnType<typeof setTimeout> | undefined;
  let isReading = false;
  // One reading ends before the next begins: under steady events each would cancel the one before.
  const read = async (): Promise<void> => {
    timer = undefined;
    isReading = true;
    const keys = new Set(stale);
    stale.clear();
    await client.invalidateQueries({ predicate: ({ queryKey: [first] }) => keys.has(String(first)) });
    isReading = false;
    if (stale.size > 0) plan();
  };
  const plan = (): void => {
    if (!isReading) timer ??= setTimeout(() => void read(), gatherMs);
  };
  return {
    add({ topic }) {
      for (const key of shows[topic]) stale.add(key);
      plan();
    },
    stop: () => clearTimeout(timer),
  };
}

/** Says that what is shown may be old, while it may be. */
export function ConnectionBar() {
  const { t } = useLingui();
  const state = useConnection();
  return (
    <div role="status">
      {state === "lost" ? (
        <p className="bg-warn-soft px-4 py-1.5 text-center font-medium text-warn">
          {t`The connection to the console is lost. What you see may be out of date; it reconnects automatically.`}
        </p>
      ) : null}
    </div>
  );
}
