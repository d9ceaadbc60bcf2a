import type { Connection, StepReport } from "../../../src/domain/servers.ts";
import { fileURLToPath } from "node:url";
import type { RegistryServer } from "@ciclo/contract";
import { connect, HandshakeError } from "../../../src/features/servers/connect.ts";
import type { ConnectDeps } from "../../../src/features/servers/opening.ts";
import { openSandbox } from "../../../src/lib/sandbox.ts";
import { resolveBySystem } from "../../../src/lib/outbound.ts";
import { temporaryFolder } from "../temporary.ts";

const script = fileURLToPath(new URL("stdio-server.mjs", import.meta.url));

/** Policies that let a test reach its own servers on loopback. */
export const openDeps: ConnectDeps = {
  network: () => ({ policy: "network", allow_hosts: ["*"], allow_private: true, require_tls: false }),
  commands: () => ({
    id: "commands",
    kind: "commands",
    title: "Commands",
    allow: [process.execPath, "mcp-server-everything", "mcp-server-filesystem", "no-such-program"].map(
      (command) => ({ command, env: ["*"], handshake: "before_approval" as const, writes: [] }),
    ),
  }),
  resolve: resolveBySystem,
  version: "0.0.0",
  ownId: "test",
  environment: { PATH: process.env.PATH },
  folderOf: () => temporaryFolder(),
  sandbox: openSandbox(process.env.PATH ?? ""),
  hidden: [],
};

export const remote = (url: string, more: Partial<RegistryServer> = {}): RegistryServer => ({
  id: "remote",
  title: "Remote",
  transport: "streamable_http",
  url,
  ...more,
});

/** The stdio fixture, doing as it is told. */
export const fixture = (...behaviours: string[]): RegistryServer => ({
  id: "fixture",
  title: "Fixture",
  transport: "stdio",
  command: process.execPath,
  args: [script, ...behaviours],
});

export type Shaking = {
  connection: Connection | null;
  steps: StepReport[];
  error: HandshakeError | null;
  log: string[];
};

/** Shakes hands, and tells all that was said. A failure is an answer. */
export async function shakeHands(
  server: RegistryServer,
  options: { deps?: Partial<ConnectDeps>; values?: Record<string, string>; signal?: AbortSignal } = {},
): Promise<Shaking> {
  const steps: StepReport[] = [];
  const log: string[] = [];
  const result = { steps, log };
  try {
    const connection = await connect(
      { ...openDeps, ...options.deps },
      { server, values: options.values ?? {}, args: server.args ?? [] },
      {
        onStep: (step) => {
          if (step.status !== "running") steps.push(step);
        },
        onLog: (line) => log.push(line),
        ...(options.signal === undefined ? {} : { signal: options.signal }),
      },
    );
    return { ...result, connection, error: null };
  } catch (error) {
    if (error instanceof HandshakeError) return { ...result, connection: null, error };
    throw error;
  }
}

/** The failure of a handshake that must not come about. */
export async function failureOf(
  server: RegistryServer,
  options: Parameters<typeof shakeHands>[1] = {},
): Promise<HandshakeError> {
  const { error, connection } = await shakeHands(server, options);
  await connection?.close();
  if (error === null) throw new Error(`the handshake with ${server.url ?? server.command} came about`);
  return error;
}
