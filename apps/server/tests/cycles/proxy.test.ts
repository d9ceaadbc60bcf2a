import { request } from "node:http";
import { createServer, type AddressInfo, type Socket } from "node:net";
import { text as readText } from "node:stream/consumers";
import { expect, it } from "vitest";
import { openProxy, type ProxyRules } from "../../src/features/cycles/sandbox/proxy.ts";
import { whenFileEnds } from "../support/closing.ts";
import { temporaryFolder } from "../support/temporary.ts";

/** A server that answers each connection with bytes, whatever is asked. */
async function answering(bytes: string): Promise<number> {
  const server = createServer((socket) => {
    socket.on("error", () => {});
    socket.once("data", () => socket.end(bytes));
  });
  server.listen(0, "127.0.0.1");
  await new Promise((resolve) => server.once("listening", resolve));
  whenFileEnds(() => void server.close());
  return (server.address() as AddressInfo).port;
}

async function proxy(rules: Partial<ProxyRules> = {}) {
  const opened = await openProxy(await temporaryFolder(), {
    named: ["*:*", "*"],
    allowed: ["*:*", "*"],
    network: () => ({ allow_hosts: [], allow_private: true, require_tls: false, policy: "network" }),
    resolve: (_, callback) => callback(null, [{ address: "127.0.0.1", family: 4 }]),
    ...rules,
  });
  whenFileEnds(() => opened.close());
  return opened.path;
}

type Answer = { status: number | undefined; said: string };

const ask = (socketPath: string, path: string, method = "GET"): Promise<Answer> =>
  new Promise((resolve, reject) => {
    const asked = request({ socketPath, path, method, agent: false });
    asked.on("connect", ({ statusCode }, socket: Socket, head) => {
      if (statusCode === 200) {
        socket.destroy();
        resolve({ status: 200, said: "" });
        return;
      }
      void readText(socket).then(
        (said) => resolve({ status: statusCode, said: head.toString("utf8") + said }),
        reject,
      );
    });
    asked.on("response", (response) => {
      void readText(response).then((said) => resolve({ status: response.statusCode, said }), reject);
    });
    asked.on("error", reject);
    asked.end();
  });

it.each([
  ["a status that is none", "HTTP/1.1 099 Odd\r\ncontent-length: 2\r\n\r\nok", "answered 99"],
  ["a status above all", "HTTP/1.1 999 Odd\r\ncontent-length: 2\r\n\r\nok", "answered 999"],
  [
    "another protocol",
    "HTTP/1.1 101 Switching\r\nupgrade: x\r\nconnection: upgrade\r\n\r\n",
    "wants another protocol",
  ],
  ["no HTTP", "220 mail.example.com\r\n", "Parse Error"],
  ["nothing", "", "socket hang up"],
])("a host that answers with %s gives an error, and the proxy goes on", async (_, bytes, says) => {
  const at = `http://packages.test:${await answering(bytes)}/x`;
  const path = await proxy();
  const answer = await ask(path, at);
  expect(answer.status).toBe(502);
  expect(answer.said).toContain(says);
  // It goes on.
  expect((await ask(path, "http://packages.test:1/x")).status).toBe(502);
});

it.each([
  ["CONNECT", "packages.test:443", ["packages.test:443"], 502],
  ["CONNECT", "packages.test:443", ["packages.test"], 502],
  ["CONNECT", "packages.test:444", ["packages.test"], 403],
  ["CONNECT", "packages.test:80", ["packages.test:443"], 403],
  ["GET", "http://packages.test/", ["packages.test:80"], 502],
  ["GET", "http://packages.test:80/", ["packages.test"], 502],
  ["GET", "http://packages.test:0/", ["*:*"], 403],
  ["CONNECT", "packages.test:0", ["*:*"], 403],
  ["CONNECT", "packages.test:99999", ["*:*"], 400],
  ["CONNECT", "ana@packages.test:443", ["*"], 400],
  ["GET", "https://packages.test/", ["*"], 400],
  ["GET", "/x", ["*"], 400],
])("%s %s, where %s is named, is answered with %i", async (method, path, named, status) => {
  const refused: ProxyRules["resolve"] = (_, callback) =>
    callback(Object.assign(new Error("nobody knows it"), { code: "ENOTFOUND" }), []);
  expect((await ask(await proxy({ named, allowed: named, resolve: refused }), path, method)).status).toBe(
    status,
  );
});

it("names that lead to private addresses are refused where policy does not allow these", async () => {
  const network = () => ({ allow_hosts: [], allow_private: false, require_tls: false, policy: "network" });
  const path = await proxy({ network });
  const at = `packages.test:${await answering("HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\nok")}`;
  for (const [method, target] of [
    ["GET", `http://${at}/`],
    ["CONNECT", at],
  ] as const) {
    const { status, said } = await ask(path, target, method);
    expect([status, said]).toEqual([502, expect.stringContaining("the loopback address 127.0.0.1")]);
  }
});
