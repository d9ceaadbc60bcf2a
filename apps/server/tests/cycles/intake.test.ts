import { beforeAll, describe, expect, it } from "vitest";
import { cyclesConsole } from "../support/cycles/console.ts";
import { newToolsAllowed } from "../support/config.ts";
import { clientAt } from "../support/mcp/gateway.ts";
import { listen } from "../support/mcp/http-servers.ts";
import { problemOf } from "../support/console.ts";

type Asked = { path: string; token: string | undefined };

/** A double of the issues of GitHub and GitLab: the one path of each API that is asked. */
async function forge() {
  const asked: Asked[] = [];
  const server = await listen((request, response) => {
    const path = request.url ?? "";
    const token = request.headers.authorization ?? request.headers["private-token"];
    asked.push({ path, token: typeof token === "string" ? token : undefined });
    const answers: Record<string, unknown> = {
      "/api/v3/repos/acme/shop/issues/12": { title: "Sums are wrong", body: "sum(2, 2) is 0." },
      "/api/v3/repos/acme/shop/issues/13": { title: "Nothing more", body: null },
      "/api/v3/repos/acme/shop/issues/14": { title: "Long", body: "x".repeat(300_000) },
      "/api/v3/repos/acme/shop/issues/15": {
        title: "Secret",
        body: "ghp_0123456789abcdefghijABCDEFGHIJ012345",
      },
      "/api/v3/repos/acme/shop/issues/16": "no issue",
      "/api/v4/projects/acme%2Fteam%2Fshop/issues/3": {
        title: "Somas erradas",
        description: "sum(2, 2) é 0.",
      },
    };
    if (path.endsWith("/issues/500")) response.writeHead(500).end("{}");
    else if (path.endsWith("/issues/302")) response.writeHead(302, { location: "http://127.0.0.1:1/" }).end();
    else if (answers[path] === undefined) response.writeHead(404).end("{}");
    else response.writeHead(200, { "content-type": "application/json" }).end(JSON.stringify(answers[path]));
  }, "");
  return { url: server.url, asked };
}

describe("an issue by its address", () => {
  let from: Awaited<ReturnType<typeof forge>>;
  beforeAll(async () => {
    from = await forge();
  });

  it.each([
    ["acme/shop/issues/12", "Sums are wrong", "# Sums are wrong\n\nsum(2, 2) is 0."],
    ["acme/shop/issues/13", "Nothing more", "# Nothing more"],
    ["acme/team/shop/-/issues/3", "Somas erradas", "# Somas erradas\n\nsum(2, 2) é 0."],
  ])("at %s is read, and says where it is from", async (path, title, body) => {
    const { start, get } = await cyclesConsole();
    const { id } = await start(`${from.url}/${path}`);
    expect(await get(id)).toMatchObject({ title, issue: `${body}\n\n<${from.url}/${path}>` });
  });

  it.each([
    ["acme/shop/issues/404", "not_found", "the console may not read it"],
    ["acme/shop/issues/500", "upstream_failed", "status 500"],
    ["acme/shop/issues/302", "upstream_failed", "cannot be read now"],
    ["acme/shop/issues/16", "upstream_failed", "its answer is no issue"],
    ["acme/shop/issues/14", "too_large", "paste the part that matters"],
    ["acme/shop/pull/12", "invalid_payload", "is the address of no issue"],
    ["acme/shop/issues/15", "invalid_payload", "issue"],
  ])("at %s that cannot be taken is refused, and nothing is started", async (path, code, says) => {
    const { start, approver } = await cyclesConsole();
    const problem = await problemOf(start(`${from.url}/${path}`));
    expect(problem).toMatchObject({ code });
    expect(JSON.stringify(problem)).toContain(says);
    expect((await approver.client.call("listCycles", { query: {} })).items).toEqual([]);
  });

  it.each([
    { of: "the forge that it is of", own: true, sends: "Bearer token-of-the-forge" },
    { of: "another", own: false, sends: undefined },
  ])("takes the console's token to $of", async ({ own, sends }) => {
    const { url, asked } = await forge();
    const { start } = await cyclesConsole({
      config: {
        forge: {
          provider: "github",
          url: own ? `${url}/api/v3` : "https://github.example.com/api/v3",
          repository: "acme/config",
          token: "token-of-the-forge",
          webhookSecret: undefined,
        },
      },
    });
    await start(`${url}/acme/shop/issues/12`);
    expect(asked.map(({ token }) => token)).toEqual([sends]);
  });

  it("goes only where policy lets the console go", async () => {
    const { start, gateway } = await cyclesConsole();
    await gateway.push({
      "policies/network.yaml":
        "id: network\nkind: network\ntitle: Network\nallow_hosts: []\nallow_private: false\nrequire_tls: true\n",
    });
    expect(await problemOf(start(`${from.url}/acme/shop/issues/12`))).toMatchObject({
      code: "policy_denied",
    });
  });
});

describe("a cycle that the assistant is asked for", () => {
  const onForge = async () => {
    const at = await forge();
    const console = await cyclesConsole({
      policy: { repositories: [`${at.url}/acme/*`, "/srv/nowhere/*"] },
      config: {
        forge: {
          provider: "github",
          url: `${at.url}/api/v3`,
          repository: undefined,
          token: "t",
          webhookSecret: undefined,
        },
      },
    });
    const { person, approver } = console;
    return {
      ...console,
      url: at.url,
      say: (message: string, who = person) => who.client.call("chat", { body: { message } }),
      cycles: async () => (await approver.client.call("listCycles", { query: {} })).items,
    };
  };

  it.each(["inicie um ciclo para a issue 12 do repositório shop", "start a cycle for issue 12 of acme/shop"])(
    "begins, with the repository found by its name and the issue by its number: %s",
    async (message) => {
      const { say, cycles, url } = await onForge();
      const { reply, cycle, plan } = await say(message);
      const [started, ...others] = await cycles();
      expect(others).toEqual([]);
      expect(started).toMatchObject({ title: "Sums are wrong", repository: `${url}/acme/shop` });
      expect(cycle).toEqual({ id: started?.id, title: "Sums are wrong", repository: `${url}/acme/shop` });
      expect(reply).toContain(started?.id);
      expect(plan).toBeNull();
    },
  );

  it.each([
    ["inicie um ciclo para a issue 12", "Em qual repositório?"],
    ["inicie um ciclo para a issue 12 do repositório outro/lugar", 'Qual repositório é "outro/lugar"?'],
    ["start a cycle for the repository shop", "For which issue?"],
    ["start a cycle for issue 404 of shop", "the console may not read it"],
    ["start a cycle in the repository /srv/elsewhere: sums are wrong", "not there on the console's machine"],
    ["how do I start a cycle for issue 12 of shop?", ""],
    ["don't start a cycle for issue 12 of shop", ""],
  ])("does not begin where it is not clear, or not asked for: %s", async (message, says) => {
    const { say, cycles } = await onForge();
    const { reply, cycle } = await say(message);
    expect(reply).toContain(says);
    expect(cycle).toBeNull();
    expect(await cycles()).toEqual([]);
  });

  it("begins for nobody who may not start one, nor for a program that speaks in somebody's name", async () => {
    const { say, cycles, gateway } = await onForge();
    const viewer = await gateway.person("viewer");
    const message = "start a cycle for issue 12 of shop";
    expect((await say(message, viewer)).reply).toContain("needs the role planner");
    const planner = await gateway.person("planner");
    await gateway.push(newToolsAllowed);
    const client = await clientAt(gateway, "/mcp/ciclo", planner, "modern");
    const called = await client.callTool({ name: "ciclo_chat", arguments: { message } });
    expect(JSON.stringify(called)).toContain("people start one");
    expect(await cycles()).toEqual([]);
  });
});
