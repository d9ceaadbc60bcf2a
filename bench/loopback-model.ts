import { Agent, createServer, request } from "node:http";
import type { AddressInfo } from "node:net";

/**
 * The model that endpoints are measured in front of, or, with the address of one as argument, a bare relay in front of it.
 * In a process of its own: it answers at once, a stream in fifty events over two seconds.
 */
const upstream = process.argv[2];
const usage = {
  prompt_tokens: 1200,
  completion_tokens: 80,
  total_tokens: 1280,
  prompt_tokens_details: { cached_tokens: 200 },
};
const head = { id: "chatcmpl-0123456789abcdef0123", object: "chat.completion", created: 1, model: "gpt-5.2" };
const content = "an answer of ordinary length, as models give them. ".repeat(6);
const whole = JSON.stringify({
  ...head,
  choices: [{ index: 0, message: { role: "assistant", content }, finish_reason: "stop" }],
  usage,
});
const events = 50;
const everyMs = 40;
const piece = (delta: object, finish: string | null): string =>
  `data: ${JSON.stringify({ ...head, object: "chat.completion.chunk", choices: [{ index: 0, delta, finish_reason: finish }] })}\n\n`;

const agent = new Agent({ keepAlive: true });

const model = createServer((asked, answer) => {
  const parts: Buffer[] = [];
  asked.on("data", (part: Buffer) => parts.push(part));
  asked.on("end", () => {
    if (!Buffer.concat(parts).includes('"stream":true')) {
      answer.writeHead(200, {
        "content-type": "application/json",
        "content-length": Buffer.byteLength(whole),
      });
      answer.end(whole);
      return;
    }
    answer.writeHead(200, { "content-type": "text/event-stream" });
    let sent = 0;
    const timer = setInterval(() => {
      sent += 1;
      if (sent < events) answer.write(piece({ content: "some words " }, null));
      else {
        clearInterval(timer);
        const last = `data: ${JSON.stringify({ ...head, choices: [], usage })}\n\n`;
        answer.end(`${piece({}, "stop")}${last}data: [DONE]\n\n`);
      }
    }, everyMs);
    answer.on("close", () => clearInterval(timer));
  });
});

const relay = createServer((asked, answer) => {
  const { hostname, port } = new URL(upstream ?? "");
  const passed = request(
    { hostname, port, path: asked.url, method: asked.method, headers: asked.headers, agent },
    (response) => {
      answer.writeHead(response.statusCode ?? 502, response.headers);
      response.pipe(answer);
    },
  );
  passed.on("error", () => answer.destroy());
  asked.pipe(passed);
});
const server = upstream === undefined ? model : relay;
server.keepAliveTimeout = 60_000;
server.listen(0, "127.0.0.1", () => {
  process.stdout.write(`at ${(server.address() as AddressInfo).port}\n`);
});
