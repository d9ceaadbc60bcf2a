import { spawnSync } from "node:child_process";
import {
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  writeFileSync,
} from "node:fs";
import { createServer } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, beforeEach, describe, expect, it } from "vitest";
import { Checkout } from "../../src/features/cycles/checkout.ts";
import { descendantsOf } from "../../src/features/cycles/sandbox/descendants.ts";
import type { Ran } from "../../src/features/cycles/sandbox/run.ts";
import { initBare, openGit } from "../../src/lib/git.ts";
import { openSandbox } from "../../src/lib/sandbox.ts";
import { ensureBubblewrap } from "../support/bubblewrap.ts";
import { eventually } from "../support/eventually.ts";

const sandbox = openSandbox(process.env.PATH ?? "");
const limits = { timeoutMs: 30_000, outputBytes: 1_000_000, memoryBytes: 1e9, processes: 100 };

/** The console's home: its repository, its key, and its checkouts. */
let home = "";
let main = "";
let base = "";
let count = 0;
let checkout: Checkout;

beforeAll(() => {
  ensureBubblewrap();
  home = mkdtempSync(join(tmpdir(), "ciclo-checkout-"));
  main = join(home, "repositories", "shop.git");
  const work = join(home, "seed");
  mkdirSync(join(work, "src"), { recursive: true });
  writeFileSync(join(home, "master.key"), "the console's key");
  writeFileSync(join(work, "src/sum.js"), "export const sum = (a, b) => a - b;\n");
  // What a plain export would leave out.
  writeFileSync(join(work, ".gitattributes"), "test export-ignore\n");
  host(work, "init", "--quiet", "--initial-branch=main");
  base = commit(work);
  host(home, "clone", "--quiet", "--bare", work, main);
});
afterAll(() => rmSync(home, { recursive: true, force: true }));
beforeEach(async () => {
  count += 1;
  const folder = join(home, "checkouts", String(count));
  checkout = await Checkout.make(
    { from: openGit(main), sandbox, hidden: [home], path: process.env.PATH ?? "" },
    folder,
    base,
  );
});

function host(folder: string, ...args: string[]): string {
  const who = ["-c", "user.name=a", "-c", "user.email=a@example.com", "-c", "protocol.file.allow=always"];
  const { status, stdout, stderr } = spawnSync("git", [...who, ...args], { cwd: folder, encoding: "utf8" });
  if (status !== 0) throw new Error(stderr);
  return stdout.trim();
}
function commit(folder: string): string {
  host(folder, "add", "--all");
  host(folder, "commit", "--quiet", "-m", "x");
  return host(folder, "rev-parse", "HEAD");
}

/** Whether a program with these arguments runs on the machine. */
const isRunning = (line: string): boolean =>
  readdirSync("/proc")
    .filter((name) => /^\d+$/.test(name))
    .some((pid) => {
      try {
        return readFileSync(`/proc/${pid}/cmdline`, "utf8").replaceAll("\0", " ").trim() === line;
      } catch {
        // It has ended meanwhile.
        return false;
      }
    });

const asAuthor = "git -c user.name=agent -c user.email=agent@example.com";
const run = (command: string, more: Partial<typeof limits> = {}): Promise<Ran> =>
  checkout.run(command, { ...limits, ...more });
const said = ({ stdout, stderr }: Ran): string => `${stdout.bytes.toString()}${stderr.bytes.toString()}`;

describe("a program in a checkout", () => {
  it("has a repository of its own to work with, from the base commit on", async () => {
    const { code, stdout } = await run(
      `echo kept > $HOME/note && git status --porcelain && git branch own && echo 1 > src/new.js && git add -A && ${asAuthor} commit -qm new && git log --format=%s`,
    );
    expect([code, stdout.bytes.toString()]).toEqual([0, "new\nx\n"]);
    expect(host(main, "branch", "--list")).toBe("* main");
    expect(readFileSync(join(checkout.tree, "src/new.js"), "utf8")).toBe("1\n");
    expect(readFileSync(join(checkout.home, "note"), "utf8")).toBe("kept\n");
  });

  it.each([
    ["deletes the objects that it borrows", (folder: string) => `rm -rf ${folder}/objects/*`],
    ["writes to them", (folder: string) => `touch ${folder}/objects/x`],
    ["writes a hook", (folder: string) => `mkdir -p ${folder}/hooks && touch ${folder}/hooks/post-checkout`],
    ["moves a branch", (folder: string) => `git --git-dir ${folder} update-ref refs/heads/main HEAD`],
  ])("does no harm where it %s", async (_, command) => {
    const before = host(main, "count-objects", "-v");
    await run(command(main));
    expect(host(main, "count-objects", "-v")).toBe(before);
    expect(host(main, "fsck", "--strict")).toBe("");
    expect(host(main, "rev-parse", "main")).toBe(base);
    expect(existsSync(join(main, "hooks/post-checkout"))).toBe(false);
  });

  it("sees nothing of the console's home, of its environment, and no file that it may write elsewhere", async () => {
    process.env["CICLO_TEST_SECRET"] = "in the environment";
    try {
      const all = said(
        await run(
          `cat ${home}/master.key; ls ${home} ${home}/repositories; env; cat /proc/*/environ; touch ${home}/x /etc/x /usr/x ../x`,
        ),
      );
      expect(all).not.toContain("the console's key");
      expect(all).not.toContain("in the environment");
      expect(all).not.toContain("seed");
      expect(all).toMatch(/No such file or directory|Read-only/);
      expect(existsSync(join(home, "x"))).toBe(false);
    } finally {
      delete process.env["CICLO_TEST_SECRET"];
    }
  });

  it("reaches no host, and nothing that listens on this machine", async () => {
    const heard: string[] = [];
    const server = createServer((socket) => void heard.push(String(socket.remotePort)));
    await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
    const address = server.address();
    const port = typeof address === "object" && address !== null ? address.port : 0;
    const script = `python3 -c "
import socket
for host, port in (('127.0.0.1', ${port}), ('192.0.2.1', 80)):
    try:
        socket.create_connection((host, port), 2); print('reached', host)
    except OSError as error: print('not', host)"`;
    expect(said(await run(script))).toBe("not 127.0.0.1\nnot 192.0.2.1\n");
    expect(heard).toEqual([]);
    server.close();
  });

  it("leaves no process behind, however it starts one", async () => {
    const mark = `98765${count}`;
    const { code, ms } = await run(
      `(setsid sleep ${mark} &) ; nohup sleep ${mark} & disown 2>/dev/null; echo done`,
    );
    expect(code).toBe(0);
    expect(ms).toBeLessThan(20_000);
    expect(isRunning(`sleep ${mark}`)).toBe(false);
  });

  it.each<[string, string, Partial<typeof limits>, Ran["ended"]]>([
    ["hangs", "sleep 1000", { timeoutMs: 300 }, "timeout"],
    [
      "hangs and will not be told",
      "trap '' TERM INT HUP; while :; do sleep 1; done",
      { timeoutMs: 300 },
      "timeout",
    ],
    [
      "takes memory without end",
      `python3 -c "x = bytearray(400_000_000); x[::4096] = b'1' * len(x[::4096]); import time; time.sleep(1000)"`,
      { memoryBytes: 2e8 },
      "memory",
    ],
    [
      "starts processes without end",
      "for i in $(seq 60); do sleep 1000 & done; wait",
      { processes: 30 },
      "processes",
    ],
  ])("is ended where it %s, with all that it started", async (_, command, more, why) => {
    const ran = await run(command, more);
    expect(ran).toMatchObject({ code: null, ended: why });
    await eventually(
      async () => (await descendantsOf(process.pid)).count,
      (now) => now < 30,
    );
  });

  it("is ended when it is no longer wanted", async () => {
    const stop = new AbortController();
    const mark = `87654${count}`;
    const running = checkout.run(`echo started; sleep ${mark}`, limits, { env: {}, signal: stop.signal });
    const isStarted = () => Promise.resolve(isRunning(`sleep ${mark}`));
    await eventually(isStarted, (is) => is);
    stop.abort();
    expect(await running).toMatchObject({ code: null, ended: "cancelled" });
    await eventually(isStarted, (is) => !is);
  });

  it("may write without end: the beginning and the end of it are kept", async () => {
    const { code, stdout, stderr } = await run(
      "echo first; head -c 30000000 /dev/zero | tr '\\0' x; echo; echo last; head -c 3000000 /dev/zero | tr '\\0' y >&2",
      { outputBytes: 10_000 },
    );
    expect(code).toBe(0);
    expect(stdout.bytes.toString()).toMatch(/^first\nx{1000}/);
    expect(stdout.bytes.toString()).toMatch(/x{1000}\nlast\n$/);
    expect(stdout.bytes.length).toBeLessThanOrEqual(10_002);
    expect(stdout.dropped + stdout.bytes.length).toBe(30_000_012);
    expect(stderr.dropped + stderr.bytes.length).toBe(3_000_000);
  });
});

describe("what was done in a checkout", () => {
  it("is taken out as commits, and nothing else", async () => {
    await run(
      `echo 'export const sum = (a, b) => a + b;' > src/sum.js && ${asAuthor} commit -qam "fix: sum adds" && echo x > untracked && git branch other && git tag v1`,
    );
    const head = await checkout.takeOut(limits);
    expect(head).toMatch(/^[0-9a-f]{40}$/);
    expect(host(main, "log", "--format=%s", head ?? "")).toBe("fix: sum adds\nx");
    expect(host(main, "show", `${head}:src/sum.js`)).toContain("a + b");
    expect(host(main, "for-each-ref", "--format=%(refname)")).toBe("refs/heads/main");
    expect(host(main, "fsck", "--strict")).not.toMatch(/error|missing/);
    await checkout.remove();
    expect(readdirSync(join(home, "checkouts"))).not.toContain(String(count));
    expect(host(main, "show", `${head}:src/sum.js`)).toContain("a + b");
  });

  it("is nothing where nothing was committed", async () => {
    await run("echo x > src/sum.js");
    expect(await checkout.takeOut(limits)).toBeNull();
  });

  it("is not obeyed: settings, hooks and filters of the checkout run nowhere but in the sandbox", async () => {
    const canary = join(tmpdir(), `ciclo-canary-${process.pid}-${count}`);
    const program = `touch ${canary}; touch ${home}/canary; touch ${checkout.tree}/ran`;
    await run(
      `printf '#!/bin/sh\n${program}\n' > evil && chmod +x evil && git add evil && ${asAuthor} commit -qm evil &&
       git config core.fsmonitor ./evil && git config core.pager ./evil && git config diff.external ./evil &&
       git config core.hooksPath . && git config alias.pack-objects '!./evil' && cp evil .git/hooks/post-index-change 2>/dev/null;
       git config uploadpack.packObjectsHook ./evil; rm -f ran; echo '* filter=evil' > .gitattributes; git config filter.evil.clean ./evil`,
    );
    const head = await checkout.takeOut(limits);
    expect(host(main, "log", "-1", "--format=%s", head ?? "")).toBe("evil");
    expect(existsSync(canary)).toBe(false);
    expect(existsSync(join(home, "canary"))).toBe(false);
    expect(existsSync(join(checkout.tree, "ran"))).toBe(false);
  });

  it.each([
    [
      "does not follow the base",
      `git checkout -q --orphan other && ${asAuthor} commit -qm other`,
      /does not follow/,
    ],
    ["is no commit any more", "rm -rf .git && git init -q .", /cannot be taken out/],
    [
      "holds what no repository may",
      `tree=$(printf '100644 blob %s\t.git\n' "$(git hash-object -w src/sum.js)" | git mktree) &&
       git update-ref HEAD "$(${asAuthor} commit-tree "$tree" -p HEAD -m x)"`,
      /hasDotgit/,
    ],
  ])("is refused where it %s", async (_, command, why) => {
    await run(command);
    await expect(checkout.takeOut(limits)).rejects.toThrow(why);
    expect(host(main, "rev-parse", "main")).toBe(base);
  });
});

describe("a commit that a checkout would not be whole of", () => {
  const refused = async (make: (folder: string) => void): Promise<string> => {
    const work = mkdtempSync(join(home, "parts-"));
    host(work, "init", "--quiet", "--initial-branch=main");
    make(work);
    const at = commit(work);
    const bare = await initBare(join(work, "bare.git"), "main");
    host(work, "push", "--quiet", bare.folder, "HEAD:main");
    const making = Checkout.make(
      { from: bare, sandbox, hidden: [home], path: "" },
      join(work, "checkout"),
      at,
    );
    return await making.then(
      () => "it was checked out",
      (error: unknown) => (error instanceof Error ? error.message : "no error"),
    );
  };

  it("is refused, with what would be missing", async () => {
    expect(
      await refused(
        (folder) => void host(folder, "submodule", "--quiet", "add", join(home, "seed"), "parts/seed"),
      ),
    ).toContain("the submodule parts/seed would be empty");
    expect(
      await refused((folder) => {
        mkdirSync(join(folder, "media"));
        writeFileSync(join(folder, "media/.gitattributes"), "*.png filter=lfs diff=lfs merge=lfs -text\n");
      }),
    ).toContain("files that media/.gitattributes gives to Git LFS would be pointers");
  });
});
