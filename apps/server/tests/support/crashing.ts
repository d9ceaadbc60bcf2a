import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { expect } from "vitest";
import { type ServerProcess, startProcess } from "./process.ts";

/** A console that is killed at points of its journal, and started again on the same data. */
export type CrashingConsole = {
  environment: Record<string, string>;
  /** The one that runs; starts it where none does. */
  running(): Promise<ServerProcess>;
  /** Makes the call, in which the console dies at the point: its connection breaks. */
  dieAt(point: string, call: (url: string) => Promise<unknown>): Promise<void>;
  stop(): Promise<void>;
};

export function crashingConsole(given: Record<string, string>): CrashingConsole {
  const crashFile = join(given["CICLO_HOME"] ?? "", "crash-at");
  const environment = { ...given, CICLO_TEST_CRASH_FILE: crashFile };
  const disarm = (): void => writeFileSync(crashFile, "");
  let current: ServerProcess | null = null;
  const running = async (): Promise<ServerProcess> => {
    disarm();
    current ??= await startProcess(environment);
    return current;
  };
  return {
    environment,
    running,
    async dieAt(point, call) {
      const { url, exited } = await running();
      writeFileSync(crashFile, point);
      const outcome = await call(url).then(
        () => "answered",
        () => "broken",
      );
      await exited;
      current = null;
      disarm();
      expect(outcome).toBe("broken");
    },
    async stop() {
      await current?.stop();
      current = null;
    },
  };
}
