import type { LiveEvent } from "@ciclo/contract";
import { afterEach, describe, expect, it } from "vitest";
import { system } from "../src/domain/actor.ts";
import {
  decideWith,
  type Person,
  planWith,
  startConsole,
  submitWith,
  type TestConsole,
} from "./support/console.ts";

type Received = { id: string; event: string; data: LiveEvent };

const readers: (() => Promise<void>)[] = [];
afterEach(async () => {
  for (const stop of readers.splice(0)) await stop();
});

/** A reader of the stream, as a program would write one. */
async function listen(console_: TestConsole, { token }: { token: string }, lastEventId?: number) {
  const response = await console_.request("/api/v1/events", {
    headers: {
      authorization: `Bearer ${token}`,
      ...(lastEventId === undefined ? {} : { "last-event-id": String(lastEventId) }),
    },
  });
  const reader = (response.body ?? new ReadableStream()).pipeThrough(new TextDecoderStream()).getReader();
  readers.push(() => reader.cancel());
  let buffer = "";
  const next = async (): Promise<Received | null> => {
    for (;;) {
      const end = buffer.indexOf("\n\n");
      if (end === -1) {
        const { done, value } = await reader.read();
        if (done) return null;
        buffer += value;
        continue;
      }
      const block = buffer.slice(0, end);
      buffer = buffer.slice(end + 2);
      const fields = new Map(
        block
          .split("\n")
          .map((line): [string, string] => [
            line.slice(0, line.indexOf(":")),
            line.slice(line.indexOf(":") + 2),
          ]),
      );
      const data = fields.get("data");
      if (data === undefined) continue;
      return {
        id: fields.get("id") ?? "",
        event: fields.get("event") ?? "",
        data: JSON.parse(data) as LiveEvent,
      };
    }
  };
  return {
    response,
    next,
    /** The next event whose action is this. */
    async until(action: string): Promise<Received> {
      for (let event = await next(); event !== null; event = await next()) {
        if (event.data.action === action) return event;
      }
      throw new Error(`the stream ended before ${action}`);
    },
  };
}

async function withPeople() {
  const console_ = await startConsole();
  return {
    console_,
    author: await console_.person("viewer", "planner"),
    approver: await console_.person("approver"),
    reader: await console_.person("viewer"),
  };
}

const addAgent = async (author: Person, name: string) =>
  submitWith(author, await planWith(author, "add_agent", { agent_name: name }));

describe("live events", () => {
  it("tell a viewer of each step of a change, in order, with ids that are the log's", async () => {
    const { console_, author, approver, reader } = await withPeople();
    const stream = await listen(console_, reader);
    expect(stream.response.headers.get("content-type")).toBe("text/event-stream");
    expect(stream.response.headers.get("cache-control")).toBe("no-store");
    expect((await stream.next())?.event).toBe("ready");
    const { plan_id, approval_id } = await addAgent(author, "catalog");
    const submitted = await stream.until("change.submitted");
    expect(submitted).toMatchObject({ event: "changes", data: { plan_id, actor_name: author.name } });
    await decideWith(approver, approval_id, "approve");
    const approved = await stream.until("change.approved");
    const applied = await stream.until("change.applied");
    expect(Number(submitted.id)).toBeLessThan(Number(approved.id));
    expect(Number(approved.id)).toBeLessThan(Number(applied.id));
    const { items } = await reader.client.call("listAudit", { query: { plan_id } });
    expect(items.find(({ action }) => action === "change.applied")?.seq).toBe(Number(applied.id));
  });

  it("go on behind Last-Event-ID, so that a broken connection misses nothing", async () => {
    const { console_, author, reader } = await withPeople();
    const first = await listen(console_, reader);
    const ready = await first.next();
    await readers.pop()?.();
    const { plan_id } = await addAgent(author, "while-away");
    const second = await listen(console_, reader, Number(ready?.id));
    expect((await second.next())?.event).toBe("ready");
    expect((await second.until("change.submitted")).data.plan_id).toBe(plan_id);
  });

  it.each([
    ["far behind", 0],
    ["of another log", 999_999],
  ])("tell who is %s to read everything", async (_, id) => {
    const { console_, reader } = await withPeople();
    for (let count = 0; count < 1001; count += 1) {
      await console_.audit.transaction((_queries, record) =>
        record({ actor: system, action: "test.filled", resource: "test", status: "succeeded" }),
      );
    }
    expect((await (await listen(console_, reader, id)).next())?.event).toBe("reset");
  });

  it("see what another process of the same database records", async () => {
    const { console_, reader } = await withPeople();
    const stream = await listen(console_, reader);
    expect((await stream.next())?.event).toBe("ready");
    const beside = await startConsole({
      database: console_.database,
      config: { home: console_.home },
    });
    await beside.users.add(system, { name: "Beside", email: "beside@example.com", roles: [] });
    expect((await stream.until("user.created")).event).toBe("access");
  });

  it("are refused beyond twenty of one user's, and to nobody else", async () => {
    const { console_, reader, author } = await withPeople();
    for (let count = 0; count < 20; count += 1) await listen(console_, reader);
    const { response } = await listen(console_, reader);
    expect(response.status).toBe(429);
    expect(response.headers.get("retry-after")).toBe("5");
    expect((await listen(console_, author)).response.status).toBe(200);
  });

  it("are bounded also when all are asked for at once, and open nothing for HEAD", async () => {
    const { console_, reader } = await withPeople();
    const headers = { authorization: `Bearer ${reader.token}` };
    for (let count = 0; count < 25; count += 1) {
      const head = await console_.request("/api/v1/events", { method: "HEAD", headers });
      expect([head.status, head.headers.get("content-type")]).toEqual([200, "text/event-stream"]);
    }
    const opened = await Promise.all(Array.from({ length: 30 }, () => listen(console_, reader)));
    expect(opened.filter(({ response }) => response.status === 200)).toHaveLength(20);
  });

  it("reach a reader who comes back while others are being told", async () => {
    const { console_, author, reader } = await withPeople();
    const others = await Promise.all(Array.from({ length: 5 }, () => listen(console_, reader)));
    const ready = await others[0]?.next();
    for (let round = 0; round < 5; round += 1) await addAgent(author, `catalog-${round}`);
    const [late] = await Promise.all([
      listen(console_, reader, Number(ready?.id)),
      addAgent(author, "catalog-late"),
    ]);
    expect((await late.next())?.event).toBe("ready");
    const heard: number[] = [];
    for (let event = await late.next(); event !== null; event = await late.next()) {
      heard.push(Number(event.id));
      if (
        event.data.plan_id?.startsWith("add-agent-catalog-late") &&
        event.data.action === "change.submitted"
      )
        break;
    }
    expect(heard).toEqual(heard.map((_, index) => Number(ready?.id) + 1 + index));
  });

  it("end when the console stops", async () => {
    const { console_, reader } = await withPeople();
    const stream = await listen(console_, reader);
    expect((await stream.next())?.event).toBe("ready");
    console_.live.close();
    expect(await stream.next()).toBeNull();
  });
});
