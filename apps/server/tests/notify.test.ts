import { json } from "node:stream/consumers";
import { stringify } from "yaml";
import { describe, expect, it } from "vitest";
import { system } from "../src/domain/actor.ts";
import { stores } from "./support/databases.ts";
import { startGateway, type TestGateway } from "./support/mcp/gateway.ts";
import { listen } from "./support/mcp/http-servers.ts";

type Got = { path: string; body: Record<string, unknown> };

/** A program that webhooks call; `status` is what it answers. */
async function receiver() {
  const got: Got[] = [];
  const state = { status: 200 };
  const server = await listen(async (request, response) => {
    got.push({ path: request.url ?? "", body: (await json(request)) as Record<string, unknown> });
    response.writeHead(state.status).end("https://hooks.example/SECRET");
  }, "");
  return { url: server.url, got, state };
}

const hooks = (webhooks: unknown[]): Record<string, string> => ({
  "policies/notify.yaml": stringify({ id: "notify", kind: "notify", title: "Notify", webhooks }),
});

const happens = (gateway: TestGateway, action: string, metadata: Record<string, unknown> = {}) =>
  gateway.features.audit.service.transaction((_, record) =>
    record({
      actor: system,
      action,
      resource: "policy:budget",
      status: "refused",
      metadata,
    }),
  );

const exceeded = {
  limit: "daily_usd",
  period: "day:2026-11-28",
  part: 1,
  spent_usd: 20.5,
  of_usd: 20,
  on_exceeded: "block",
};

describe.each(stores)("webhooks on %s", (_, openStore) => {
  it("are told once of what they asked for, from when they are there, in their form and language", async () => {
    const other = await receiver();
    const gateway = await startGateway(
      [],
      hooks([
        { id: "ops", url: `${other.url}/ops` },
        {
          id: "chat",
          url: "secret:slack/WEBHOOK",
          format: "slack",
          language: "pt-BR",
          on: ["budget.exceeded"],
        },
      ]),
      { database: await openStore() },
    );
    const approver = await gateway.person("approver");
    const value = `${other.url}/chat`;
    await approver.client.call("addKey", { body: { provider: "slack", name: "WEBHOOK", value } });
    const { tell } = gateway.features.notify.service;
    await tell();
    await happens(gateway, "budget.alert", { ...exceeded, part: 0.8, spent_usd: 16.4 });
    await happens(gateway, "budget.exceeded", exceeded);
    await tell();
    await tell();
    expect(other.got.filter(({ path }) => path === "/ops").map(({ body }) => body["text"])).toEqual([
      "Budget budget daily_usd: 80 % are reached, $16.40 of $20.00.",
      "Budget budget daily_usd: 100 % are reached, $20.50 of $20.00. Calls beyond it are refused.",
    ]);
    expect(other.got.find(({ path }) => path === "/ops")?.body).toMatchObject({
      action: "budget.alert",
      metadata: { limit: "daily_usd" },
    });
    expect(other.got.filter(({ path }) => path === "/chat").map(({ body }) => body)).toEqual([
      {
        text: expect.stringMatching(
          /^Orçamento budget daily_usd: 100% atingidos, US\$\s20,50 de US\$\s20,00\. Chamadas além/,
        ),
      },
    ]);
  });

  it("that do not answer are told later, in order; they keep no other from it, and no address is named", async () => {
    const [down, up] = [await receiver(), await receiver()];
    down.state.status = 500;
    const gateway = await startGateway(
      [],
      hooks([
        { id: "down", url: `${down.url}/x?token=hush` },
        { id: "up", url: up.url },
      ]),
      { database: await openStore() },
    );
    const { tell } = gateway.features.notify.service;
    await tell();
    await happens(gateway, "budget.alert", exceeded);
    await happens(gateway, "budget.exceeded", exceeded);
    await expect(tell()).rejects.toThrow("webhook down: it answered 500");
    expect(up.got).toHaveLength(2);
    expect(down.got).toHaveLength(1);
    down.state.status = 200;
    await tell();
    expect(down.got.map(({ body }) => body["action"])).toEqual([
      "budget.alert",
      "budget.alert",
      "budget.exceeded",
    ]);
    expect(up.got).toHaveLength(2);
  });

  it("wait for no message that one refuses for good, name no stored address, and tell nothing of the time they were gone", async () => {
    const other = await receiver();
    const two = [
      { id: "ops", url: other.url },
      { id: "chat", url: "secret:slack/WEBHOOK" },
    ];
    const gateway = await startGateway([], hooks(two), { database: await openStore() });
    const approver = await gateway.person("approver");
    const { port } = new URL(other.url);
    const value = `http://user:hunter2secret@127.0.0.1:${port}/x`;
    await approver.client.call("addKey", { body: { provider: "slack", name: "WEBHOOK", value } });
    const { tell } = gateway.features.notify.service;
    await tell();
    other.state.status = 400;
    await happens(gateway, "budget.alert", { ...exceeded, part: 0.125, spent_usd: 0.0005, of_usd: 0.004 });
    const failed = await tell().then(String, String);
    expect(failed).toContain("webhook chat: it cannot be reached");
    expect(failed).not.toContain("hunter2secret");
    other.state.status = 200;
    await gateway.push(hooks([{ id: "ops", url: other.url }]));
    await happens(gateway, "budget.exceeded", exceeded);
    await tell();
    expect(other.got.map(({ body }) => body["text"])).toEqual([
      "Budget budget daily_usd: 12.5 % are reached, $0.0005 of $0.004.",
      "Budget budget daily_usd: 100 % are reached, $20.50 of $20.00. Calls beyond it are refused.",
    ]);
    await gateway.push(hooks([]));
    await tell();
    await happens(gateway, "budget.exceeded", exceeded);
    await gateway.push(hooks([{ id: "ops", url: other.url }]));
    await tell();
    expect(other.got).toHaveLength(2);
  });

  it("reach only what the network policy lets the console reach", async () => {
    const other = await receiver();
    const gateway = await startGateway(
      [],
      {
        ...hooks([{ id: "ops", url: other.url }]),
        "policies/network.yaml": stringify({
          id: "network",
          kind: "network",
          title: "N",
          allow_hosts: ["hooks.example"],
          allow_private: false,
          require_tls: true,
        }),
      },
      { database: await openStore() },
    );
    const { tell } = gateway.features.notify.service;
    await tell();
    await happens(gateway, "budget.alert", exceeded);
    await expect(tell()).rejects.toThrow(/webhook ops: policies\/network\.yaml/);
    expect(other.got).toEqual([]);
  });
});
