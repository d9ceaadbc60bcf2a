import { expect, it } from "vitest";
import { openDatabase } from "../../src/db/dialect.ts";
import { whenFileEnds } from "../support/closing.ts";
import { carriedThrough, cyclesConsole, headOf } from "../support/cycles/console.ts";
import { eventually } from "../support/eventually.ts";
import { calls } from "../support/model-endpoint.ts";
import { createPostgresServer } from "../support/postgres-server.ts";

it("a cycle goes on by itself where its database went away while the agent worked", async () => {
  const postgres = await createPostgresServer();
  whenFileEnds(() => postgres.remove());
  await postgres.start();
  const database = await openDatabase({ url: `${postgres.url}postgres`, file: "" });
  const running = await cyclesConsole({ database, policy: { checkpoints: ["merge"] } });
  const { repository, gateway, start, at, get } = running;
  const { id } = await start();
  await at(id, "execute");
  await postgres.stop();
  const isAway = (): Promise<boolean> =>
    get(id).then(
      () => false,
      () => true,
    );
  await eventually(isAway, (away) => away);
  await postgres.start();
  await eventually(isAway, (away) => !away, 60_000);
  const ended = await carriedThrough(running, id);
  expect([ended.state, ended.reason, headOf(repository)]).toEqual(["completed", null, ended.head_commit]);
  // What was there before is not asked for again.
  expect((await calls(gateway)).filter(({ phase }) => phase === "analyzer")).toHaveLength(1);
});
