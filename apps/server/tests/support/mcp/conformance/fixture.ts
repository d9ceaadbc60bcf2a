import { randomUUID } from "node:crypto";
import { json } from "node:stream/consumers";
import { NodeStreamableHTTPServerTransport, toNodeHandler } from "@modelcontextprotocol/node";
import {
  completable,
  createMcpHandler,
  createRequestStateCodec,
  fromJsonSchema,
  McpServer,
  ResourceTemplate,
} from "@modelcontextprotocol/server";
import { z } from "zod";
import { listen } from "../http-servers.ts";
import { registerInputTools } from "./input-tools.ts";

/** What the scenarios of `@modelcontextprotocol/conformance` expect a server to offer, by their exact names. */

const pixel =
  "iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mP8z8BQDwAEhQGAhKmMIQAAAABJRU5ErkJggg==";
/** A WAV of no samples. */
const silence = "UklGRiQAAABXQVZFZm10IBAAAAABAAEARKwAAIhYAQACABAAZGF0YQAAAAA=";
const text = (said: string) => ({ type: "text" as const, text: said });
const image = { type: "image" as const, data: pixel, mimeType: "image/png" };
const embedded = (uri: string, mimeType: string, said: string) => ({
  type: "resource" as const,
  resource: { uri, mimeType, text: said },
});
const pause = (ms: number) => new Promise((resolve) => setTimeout(resolve, ms));
const between = 50;

type Era = "modern" | "legacy";

function fixture(era: Era): McpServer {
  const states = createRequestStateCodec({ key: "a key of the conformance fixture".padEnd(32, "!") });
  const server = new McpServer(
    { name: "conformance-fixture", version: "1.0.0" },
    {
      capabilities: {
        logging: {},
        completions: {},
        resources: era === "legacy" ? { subscribe: true } : {},
      },
      requestState: { verify: (state, context) => states.verify(state, context) },
    },
  );
  registerContentTools(server);
  registerSchemaTools(server);
  registerTalkingTools(server);
  registerInputTools(server, states);
  registerResources(server);
  registerPrompts(server);
  if (era === "legacy") {
    server.server.setRequestHandler("resources/subscribe", () => ({}));
    server.server.setRequestHandler("resources/unsubscribe", () => ({}));
  }
  return server;
}

const schema2020 = {
  $schema: "https://json-schema.org/draft/2020-12/schema",
  type: "object" as const,
  $defs: {
    address: {
      $anchor: "addressDef",
      type: "object",
      properties: { street: { type: "string" }, city: { type: "string" } },
    },
  },
  properties: {
    name: { type: "string" },
    address: { $ref: "#/$defs/address" },
    contactMethod: { type: "string", enum: ["phone", "email"] },
    phone: { type: "string" },
    email: { type: "string" },
  },
  allOf: [{ anyOf: [{ required: ["phone"] }, { required: ["email"] }] }],
  if: { properties: { contactMethod: { const: "phone" } }, required: ["contactMethod"] },
  // oxlint-disable-next-line unicorn/no-thenable -- a keyword of JSON Schema
  then: { required: ["phone"] },
  else: { required: ["email"] },
  additionalProperties: false,
};

function registerSchemaTools(server: McpServer): void {
  server.registerTool(
    "json_schema_2020_12_tool",
    { description: "Tool with JSON Schema 2020-12 features", inputSchema: fromJsonSchema(schema2020) },
    () => ({ content: [text("Valid")] }),
  );
  server.registerTool(
    "test_headers",
    {
      description: "Takes its region by header too",
      inputSchema: z.object({ region: z.string().meta({ "x-mcp-header": "Region" }) }),
    },
    ({ region }) => ({ content: [text(region)] }),
  );
}

function registerContentTools(server: McpServer): void {
  const tools = {
    test_simple_text: [text("This is a simple text response for testing.")],
    test_image_content: [image],
    test_audio_content: [{ type: "audio" as const, data: silence, mimeType: "audio/wav" }],
    test_embedded_resource: [
      embedded("test://embedded-resource", "text/plain", "This is an embedded resource content."),
    ],
    test_multiple_content_types: [
      text("Multiple content types test:"),
      image,
      embedded("test://mixed-content-resource", "application/json", '{"test":"data","value":123}'),
    ],
  };
  for (const [name, content] of Object.entries(tools)) {
    server.registerTool(name, { description: `Offers ${name}` }, () => ({ content }));
  }
  server.registerTool("test_error_handling", { description: "Fails" }, () => {
    throw new Error("This tool intentionally returns an error for testing");
  });
}

/** Tools that say something while they work. */
function registerTalkingTools(server: McpServer): void {
  const logging = ["Tool execution started", "Tool processing data", "Tool execution completed"];
  for (const name of ["test_tool_with_logging", "test_logging_tool"]) {
    server.registerTool(name, { description: "Logs as it goes" }, async ({ mcpReq }) => {
      for (const line of logging) {
        await mcpReq.log("info", line);
        await pause(between);
      }
      return { content: [text("Logged")] };
    });
  }
  server.registerTool("test_tool_with_progress", { description: "Tells progress" }, async ({ mcpReq }) => {
    const { progressToken } = mcpReq._meta ?? {};
    for (const progress of [0, 50, 100]) {
      if (progressToken !== undefined) {
        await mcpReq.notify({
          method: "notifications/progress",
          params: { progressToken, progress, total: 100 },
        });
      }
      await pause(between);
    }
    return { content: [text("Done")] };
  });
}

function registerResources(server: McpServer): void {
  const fixed = {
    "test://static-text": {
      mimeType: "text/plain",
      text: "This is the content of the static text resource.",
    },
    "test://static-binary": { mimeType: "image/png", blob: pixel },
    "test://watched-resource": { mimeType: "text/plain", text: "Watched" },
  };
  for (const [uri, contents] of Object.entries(fixed)) {
    const { mimeType } = contents;
    server.registerResource(uri.slice("test://".length), uri, { description: uri, mimeType }, () => ({
      contents: [{ uri, ...contents }],
    }));
  }
  server.registerResource(
    "template",
    new ResourceTemplate("test://template/{id}/data", { list: undefined }),
    { description: "Data by id", mimeType: "application/json" },
    (uri, { id }) => ({
      contents: [
        {
          uri: uri.href,
          mimeType: "application/json",
          text: JSON.stringify({ id, templateTest: true, data: `Data for ID: ${String(id)}` }),
        },
      ],
    }),
  );
}

function registerPrompts(server: McpServer): void {
  const user = <C>(content: C) => ({ role: "user" as const, content });
  server.registerPrompt("test_simple_prompt", { description: "Simple" }, () => ({
    messages: [user(text("This is a simple prompt for testing."))],
  }));
  server.registerPrompt(
    "test_prompt_with_arguments",
    {
      description: "With arguments",
      argsSchema: z.object({
        arg1: completable(z.string().describe("First test argument"), (value) =>
          ["paris", "park", "party"].filter((each) => each.startsWith(value)),
        ),
        arg2: z.string().describe("Second test argument"),
      }),
    },
    ({ arg1, arg2 }) => ({
      messages: [user(text(`Prompt with arguments: arg1='${arg1}', arg2='${arg2}'`))],
    }),
  );
  server.registerPrompt(
    "test_prompt_with_embedded_resource",
    {
      description: "With a resource",
      argsSchema: z.object({ resourceUri: z.string().describe("URI of the resource") }),
    },
    ({ resourceUri }) => ({
      messages: [
        user(embedded(resourceUri, "text/plain", "Embedded resource content for testing.")),
        user(text("Please process the embedded resource above.")),
      ],
    }),
  );
  server.registerPrompt("test_prompt_with_image", { description: "With an image" }, () => ({
    messages: [user(image), user(text("Please analyze the image above."))],
  }));
}

/** Speaks 2026-07-28 only. */
export function modernFixture() {
  const handle = toNodeHandler(createMcpHandler(() => fixture("modern"), { legacy: "reject" }));
  return listen((request, response) => void handle(request, response));
}

/** Speaks the revisions before, with sessions. */
export function legacyFixture() {
  const sessions = new Map<string, NodeStreamableHTTPServerTransport>();
  return listen((request, response) => {
    const known = sessions.get(String(request.headers["mcp-session-id"]));
    if (known !== undefined) return void known.handleRequest(request, response);
    const transport = new NodeStreamableHTTPServerTransport({
      sessionIdGenerator: () => randomUUID(),
      onsessioninitialized: (id) => void sessions.set(id, transport),
    });
    return void fixture("legacy")
      .connect(transport)
      .then(async () => transport.handleRequest(request, response, await json(request)));
  });
}
