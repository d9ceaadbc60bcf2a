import { createHash } from "node:crypto";
import { spawnSync } from "node:child_process";
import { mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { beforeEach, describe, expect, it } from "vitest";
import { carriedThrough, cyclesConsole, mends, shop } from "../support/cycles/console.ts";
import { listen } from "../support/mcp/http-servers.ts";
import { temporaryFolder } from "../support/temporary.ts";

/** A registry of packages with one package, as npm asks it. */
async function registry() {
  const folder = await temporaryFolder();
  mkdirSync(join(folder, "package"));
  writeFileSync(join(folder, "package", "package.json"), '{"name":"adder","version":"1.0.0"}');
  writeFileSync(join(folder, "package", "index.js"), "exports.installed = true;\n");
  spawnSync("tar", ["-czf", "adder-1.0.0.tgz", "package"], { cwd: folder });
  const tarball = readFileSync(join(folder, "adder-1.0.0.tgz"));
  const integrity = `sha512-${createHash("sha512").update(tarball).digest("base64")}`;
  const asked: string[] = [];
  /** So many installations are answered. */
  const room = { installs: Infinity };
  const server = await listen((request, response) => {
    asked.push(request.url ?? "");
    if (request.url?.endsWith(".tgz") === true && (room.installs -= 1) < 0) {
      response.writeHead(404).end();
      return;
    }
    if (request.url === "/adder/-/adder-1.0.0.tgz") {
      response.end(tarball);
      return;
    }
    const dist = { integrity, tarball: `http://${request.headers.host}/adder/-/adder-1.0.0.tgz` };
    const versions = { "1.0.0": { name: "adder", version: "1.0.0", dist } };
    response
      .writeHead(200, { "content-type": "application/json" })
      .end(JSON.stringify({ name: "adder", "dist-tags": { latest: "1.0.0" }, versions }));
  }, "");
  return { host: new URL(server.url).host, asked, integrity, room };
}

let packages: Awaited<ReturnType<typeof registry>>;
beforeEach(async () => {
  packages = await registry();
});

/** The shop, which needs a package from the registry, and names the hosts that its set-up asks. */
const files = (allowed: readonly string[], setup = "npm ci --no-audit --no-fund") => ({
  ...shop,
  "src/sum.js": `if (!require("adder").installed) throw new Error("nothing is installed");\n${shop["src/sum.js"]}`,
  "package.json": '{"name":"shop","version":"1.0.0","dependencies":{"adder":"1.0.0"}}',
  "package-lock.json": JSON.stringify({
    name: "shop",
    version: "1.0.0",
    lockfileVersion: 3,
    packages: {
      "": { name: "shop", version: "1.0.0", dependencies: { adder: "1.0.0" } },
      "node_modules/adder": {
        version: "1.0.0",
        resolved: `http://${packages.host}/adder/-/adder-1.0.0.tgz`,
        integrity: packages.integrity,
      },
    },
  }),
  ".npmrc": `registry=http://${packages.host}/\n`,
  ".gitignore": "node_modules\n",
  ".ciclo/cycle.yaml": `version: 1\nsetup: ${setup}\nallow_hosts: ${JSON.stringify(allowed)}\ntest: node --test\n`,
});

const work = mends.map((step) =>
  step["path"] === "src/sum.js"
    ? { ...step, contents: `require("adder");\n${String(step["contents"])}` }
    : step,
);

describe("the set-up of a repository", () => {
  it("is said to work only once where it fails when the tests run again", async () => {
    packages.room.installs = 2;
    const running = await cyclesConsole({
      turns: [work],
      files: files([packages.host]),
      policy: { setup_hosts: [packages.host], checkpoints: ["plan"] },
    });
    const { id } = await running.start();
    expect(await carriedThrough(running, id)).toMatchObject({
      state: "waiting",
      waits_for: "help",
      stage: "check",
      reason: expect.stringContaining("failed when it ran again") as string,
    });
  });

  it("installs packages from hosts that repository and policy name, with each gate's checkout of its own", async () => {
    const running = await cyclesConsole({
      turns: [work],
      files: files([packages.host]),
      policy: { setup_hosts: [packages.host] },
    });
    const { id } = await running.start();
    const cycle = await carriedThrough(running, id);
    expect([cycle.state, cycle.reason]).toEqual(["completed", null]);
    expect(packages.asked.filter((path) => path.endsWith(".tgz"))).toHaveLength(4);
  });

  it.each([
    { of: "the repository", named: [], allowed: ["127.0.0.1:*"], says: null },
    {
      of: "policy",
      named: ["127.0.0.1:*"],
      allowed: [],
      says: "policies/cycles.yaml, setup_hosts: does not allow",
    },
    {
      of: "the repository for another port",
      named: ["127.0.0.1:1"],
      allowed: ["127.0.0.1:*"],
      says: ".ciclo/cycle.yaml, allow_hosts: does not name",
    },
  ])("reaches nothing that is not named by $of", async ({ named, allowed, says }) => {
    packages.asked.length = 0;
    const asks = `curl -sS http://${packages.host}/adder; curl -sS -p -x "$http_proxy" http://${packages.host}/adder; false`;
    const running = await cyclesConsole({
      turns: [work],
      files: files(named, JSON.stringify(asks)),
      policy: { setup_hosts: allowed, tries: 1 },
    });
    const { id } = await running.start();
    const cycle = await carriedThrough(running, id);
    expect(cycle).toMatchObject({ state: "waiting", waits_for: "help" });
    const log = cycle.evidence.find(({ name }) => name === "setup-head.log");
    const { base64 } = await running.approver.client.call("getCycleEvidence", {
      params: { id, sha256: log?.sha256 ?? "" },
    });
    const said = Buffer.from(base64, "base64").toString("utf8");
    if (says !== null) expect(said).toContain(says);
    expect(packages.asked).toEqual([]);
  });

  it("is the only gate with a way out: tests have none, whatever is named", async () => {
    packages.asked.length = 0;
    const asks = `for at in http://${packages.host} http://127.0.0.1:8787; do curl -sS --max-time 2 -x http://127.0.0.1:8787 $at/adder; curl -sS --max-time 2 $at/adder; done; node --test`;
    const running = await cyclesConsole({
      files: {
        ...shop,
        ".ciclo/cycle.yaml": `version: 1\nsetup: "true"\nallow_hosts: ["127.0.0.1:*"]\nlint: ${JSON.stringify(asks)}\ntest: node --test\n`,
      },
      policy: { setup_hosts: ["127.0.0.1:*"] },
    });
    const { id } = await running.start();
    const cycle = await carriedThrough(running, id);
    expect(cycle.state).toBe("completed");
    expect(packages.asked).toEqual([]);
  });
});
