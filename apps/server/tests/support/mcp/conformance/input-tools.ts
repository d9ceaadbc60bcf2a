import {
  CLIENT_CAPABILITIES_META_KEY,
  inputRequired,
  type McpServer,
  type RequestStateCodec,
} from "@modelcontextprotocol/server";
import { z } from "zod";

/** Tools that need the person or the model behind the client before they can answer. */

const said = (text: string) => ({ content: [{ type: "text" as const, text }] });
type Properties = Record<string, { type: "string" } | { type: "boolean" }>;
const form = (message: string, properties: Properties) =>
  inputRequired.elicit({
    message,
    requestedSchema: { type: "object", properties, required: Object.keys(properties) },
  });
const sampling = (prompt: string, maxTokens: number) =>
  inputRequired.createMessage({
    messages: [{ role: "user", content: { type: "text", text: prompt } }],
    maxTokens,
  });
const nameForm = (message: string) => form(message, { name: { type: "string" } });

type Responses = Record<string, unknown> | undefined;
type Accepted = { action?: string; content?: Record<string, string> };
type Sampled = { content?: unknown };

/** The answer to a question, when it has the field; undefined asks again. */
function answer(responses: Responses, key: string, field: string): string | undefined {
  const response = responses?.[key] as Accepted | undefined;
  return response?.action === "accept" ? response.content?.[field] : undefined;
}
const raw = (responses: Responses, key: string) => responses?.[key] as Sampled | undefined;
const sampled = (response: Sampled | undefined): string | undefined =>
  (response?.content as { text?: string } | undefined)?.text;

export function registerInputTools(server: McpServer, states: RequestStateCodec): void {
  registerQuestions(server);
  registerStateful(server, states);
  registerForms(server);
  server.registerPrompt("test_input_required_result_prompt", { description: "Asks" }, ({ mcpReq }) => {
    const context = answer(mcpReq.inputResponses, "user_context", "context");
    if (context === undefined) {
      const question = form("What context should the prompt use?", { context: { type: "string" } });
      return inputRequired({ inputRequests: { user_context: question } });
    }
    return { messages: [{ role: "user", content: { type: "text", text: `In the context of ${context}` } }] };
  });
}

function registerQuestions(server: McpServer): void {
  const description = "Asks before it answers";
  server.registerTool("test_input_required_result_elicitation", { description }, ({ mcpReq }) => {
    const name = answer(mcpReq.inputResponses, "user_name", "name");
    return name === undefined
      ? inputRequired({ inputRequests: { user_name: nameForm("What is your name?") } })
      : said(`Hello, ${name}!`);
  });
  server.registerTool("test_streaming_elicitation", { description }, ({ mcpReq }) => {
    const name = answer(mcpReq.inputResponses, "user_name", "name");
    return name === undefined
      ? inputRequired({ inputRequests: { user_name: nameForm("What is your name?") } })
      : said(`Hello, ${name}!`);
  });
  server.registerTool("test_input_required_result_sampling", { description }, ({ mcpReq }) => {
    const capital = sampled(raw(mcpReq.inputResponses, "capital_question"));
    return capital === undefined
      ? inputRequired({
          inputRequests: { capital_question: sampling("What is the capital of France?", 100) },
        })
      : said(capital);
  });
  server.registerTool("test_input_required_result_list_roots", { description }, ({ mcpReq }) => {
    const roots = raw(mcpReq.inputResponses, "client_roots");
    return roots === undefined
      ? inputRequired({ inputRequests: { client_roots: inputRequired.listRoots() } })
      : said(JSON.stringify(roots));
  });
  server.registerTool("test_missing_capability", { description }, ({ mcpReq }) => {
    const greeting = sampled(raw(mcpReq.inputResponses, "greeting"));
    return greeting === undefined
      ? inputRequired({ inputRequests: { greeting: sampling("Generate a greeting", 50) } })
      : said(greeting);
  });
  server.registerTool("test_input_required_result_capabilities", { description }, ({ mcpReq }) => {
    const declared =
      (mcpReq.envelope as Record<string, object> | undefined)?.[CLIENT_CAPABILITIES_META_KEY] ?? {};
    const questions = {
      ...("elicitation" in declared ? { user_name: nameForm("What is your name?") } : {}),
      ...("sampling" in declared ? { greeting: sampling("Generate a greeting", 50) } : {}),
    };
    const isAnswered = Object.keys(questions).every((key) => raw(mcpReq.inputResponses, key) !== undefined);
    return isAnswered ? said("Done") : inputRequired({ inputRequests: questions });
  });
}

function registerStateful(server: McpServer, states: RequestStateCodec): void {
  const description = "Asks, and remembers by a signed state";
  for (const name of [
    "test_input_required_result_request_state",
    "test_input_required_result_tampered_state",
  ]) {
    server.registerTool(name, { description }, async ({ mcpReq }) => {
      const ok = answer(mcpReq.inputResponses, "confirm", "ok");
      if (ok !== undefined && mcpReq.requestState() !== undefined) return said("state-ok");
      return inputRequired({
        inputRequests: { confirm: form("Please confirm", { ok: { type: "boolean" } }) },
        requestState: await states.mint({ round: 1 }),
      });
    });
  }
  server.registerTool("test_input_required_result_multiple_inputs", { description }, async ({ mcpReq }) => {
    const responses = mcpReq.inputResponses;
    const name = answer(responses, "user_name", "name");
    const [greeting, roots] = [sampled(raw(responses, "greeting")), raw(responses, "client_roots")];
    if (name !== undefined && greeting !== undefined && roots !== undefined) {
      return said(`${greeting}, ${name}: ${JSON.stringify(roots)}`);
    }
    return inputRequired({
      inputRequests: {
        user_name: nameForm("What is your name?"),
        greeting: sampling("Generate a greeting", 50),
        client_roots: inputRequired.listRoots(),
      },
      requestState: await states.mint({ round: 1 }),
    });
  });
  server.registerTool("test_input_required_result_multi_round", { description }, async ({ mcpReq }) => {
    const before = mcpReq.requestState<{ name?: string }>();
    const name = answer(mcpReq.inputResponses, "step1", "name") ?? before?.name;
    const color = answer(mcpReq.inputResponses, "step2", "color");
    if (name !== undefined && color !== undefined) return said(`${name} likes ${color}`);
    return name === undefined
      ? inputRequired({
          inputRequests: { step1: nameForm("Step 1: What is your name?") },
          requestState: await states.mint({ round: 1 }),
        })
      : inputRequired({
          inputRequests: {
            step2: form("Step 2: What is your favorite color?", { color: { type: "string" } }),
          },
          requestState: await states.mint({ round: 2, name }),
        });
  });
}

/** Tools of 2025-11-25: the server asks by a request of its own while the call is open. */
function registerForms(server: McpServer): void {
  server.registerTool(
    "test_sampling",
    { description: "Asks the model", inputSchema: z.object({ prompt: z.string() }) },
    async ({ prompt }, { mcpReq }) => {
      const answered = await mcpReq.requestSampling({
        messages: [{ role: "user", content: { type: "text", text: prompt } }],
        maxTokens: 100,
      });
      return said(`LLM response: ${sampled(answered) ?? ""}`);
    },
  );
  const user = { type: "string" as const };
  const schemas = {
    test_elicitation: {
      username: { ...user, description: "User's response" },
      email: { ...user, description: "User's email address" },
    },
    test_elicitation_sep1034_defaults: {
      name: { ...user, default: "John Doe" },
      age: { type: "integer" as const, default: 30 },
      score: { type: "number" as const, default: 95.5 },
      status: { ...user, enum: ["active", "inactive", "pending"], default: "active" },
      verified: { type: "boolean" as const, default: true },
    },
    test_elicitation_sep1330_enums: enumForms(),
  };
  for (const [name, properties] of Object.entries(schemas)) {
    server.registerTool(
      name,
      { description: "Asks the person", inputSchema: z.object({ message: z.string().optional() }) },
      async ({ message = "Please fill in" }, { mcpReq }) => {
        const required = name === "test_elicitation" ? Object.keys(properties) : [];
        const { action, content } = await mcpReq.elicitInput({
          message,
          requestedSchema: { type: "object", properties, required },
        });
        return said(`Elicitation completed: action=${action}, content=${JSON.stringify(content ?? {})}`);
      },
    );
  }
}

function enumForms() {
  const string = { type: "string" as const };
  const titled = (what: string) =>
    ["First", "Second", "Third"].map((nth, index) => ({
      const: `value${index + 1}`,
      title: `${nth} ${what}`,
    }));
  const options = ["option1", "option2", "option3"];
  return {
    untitledSingle: { ...string, enum: options },
    titledSingle: { ...string, oneOf: titled("Option") },
    legacyEnum: {
      ...string,
      enum: ["opt1", "opt2", "opt3"],
      enumNames: ["Option One", "Option Two", "Option Three"],
    },
    untitledMulti: { type: "array" as const, items: { ...string, enum: options } },
    titledMulti: { type: "array" as const, items: { anyOf: titled("Choice") } },
  };
}
