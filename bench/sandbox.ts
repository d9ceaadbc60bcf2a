import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { connect } from "../apps/server/src/features/servers/connect.ts";
import type { ConnectDeps } from "../apps/server/src/features/servers/opening.ts";
import { resolveBySystem } from "../apps/server/src/lib/outbound.ts";
import { openSandbox, type Sandbox } from "../apps/server/src/lib/sandbox.ts";
import { type Figures, median, timed } from "./measure.ts";

const command = "mcp-server-everything";
const rounds = 15;

/** From starting a real stdio server to its list of tools, in the sandbox and outside, by turns. */
export async function measureSandbox(): Promise<Figures> {
  const folder = await mkdtemp(join(tmpdir(), "ciclo-bench-"));
  const path = process.env.PATH ?? "";
  const [inside, outside] = [openSandbox(path), openSandbox(path, "off")];
  const state = await inside.state();
  if (!state.available) throw new Error(`no sandbox here: ${state.why.en}`);
  const start = async (sandbox: Sandbox): Promise<number> => {
    const { ms, result } = await timed(() => connect(depsOf(folder, path, sandbox), target));
    await result.close();
    return ms;
  };
  const [sandboxed, plain]: [number[], number[]] = [[], []];
  for (let round = 0; round < rounds; round += 1) {
    sandboxed.push(await start(inside));
    plain.push(await start(outside));
  }
  await rm(folder, { recursive: true, force: true });
  return { stdio_start_ms: median(plain), sandboxed_start_over_plain: median(sandboxed) / median(plain) };
}

const target = {
  server: { id: "everything", title: "Everything", transport: "stdio", command } as const,
  values: {},
  args: [],
};

const depsOf = (folder: string, path: string, sandbox: Sandbox): ConnectDeps => ({
  network: () => ({ policy: "network", allow_hosts: [], allow_private: false, require_tls: true }),
  commands: () => ({
    id: "commands",
    kind: "commands",
    title: "Commands",
    allow: [{ command, env: [], handshake: "before_approval", writes: [] }],
  }),
  resolve: resolveBySystem,
  version: "0.0.0",
  ownId: "test",
  environment: { PATH: path },
  folderOf: () => Promise.resolve(folder),
  sandbox,
  hidden: [folder],
});
