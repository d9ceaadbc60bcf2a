import { type Endpoint, endpoints, permissions, problemSchema } from "@ciclo/contract";
import { z } from "zod";
import { version } from "./config.ts";
import { apiBase } from "./request.ts";

type JsonSchema = Record<string, unknown>;

const jsonSchema = (schema: z.ZodType, io: "input" | "output"): JsonSchema => {
  const { $schema: _, $defs: __, ...rest } = z.toJSONSchema(schema, { io, unrepresentable: "any" });
  return anyJson(rest) as JsonSchema;
};

/** `z.json()` comes as a reference into the schema's own root, which is not the document's: any value will do. */
function anyJson(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(anyJson);
  if (typeof value !== "object" || value === null) return value;
  if ("$ref" in value) return {};
  return Object.fromEntries(Object.entries(value).map(([key, inner]) => [key, anyJson(inner)]));
}

/** The OpenAPI 3.1 document, made from the contract's endpoints. */
export function openApiDocument(): JsonSchema {
  const paths: Record<string, Record<string, JsonSchema>> = {};
  for (const [name, endpoint] of Object.entries<Endpoint>(endpoints)) {
    const item = (paths[`${apiBase}${endpoint.path}`] ??= {});
    item[endpoint.method.toLowerCase()] = operation(name, endpoint);
  }
  return {
    openapi: "3.1.0",
    info: {
      title: "Ciclo",
      version,
      description: "Operations console for MCP servers, agents and agent-run delivery",
    },
    servers: [{ url: "/" }],
    paths,
    components: {
      securitySchemes: {
        bearer: { type: "http", scheme: "bearer" },
        session: { type: "apiKey", in: "cookie", name: "ciclo_session" },
      },
      schemas: { Problem: jsonSchema(problemSchema, "output") },
    },
  };
}

function operation(name: string, endpoint: Endpoint): JsonSchema {
  const status = String(endpoint.status ?? 200);
  const success =
    endpoint.response === undefined
      ? {
          description: "Done",
          ...(endpoint.stream === undefined
            ? {}
            : { content: { [endpoint.stream]: { schema: { type: "string" } } } }),
        }
      : {
          description: "Success",
          content: { "application/json": { schema: jsonSchema(endpoint.response, "output") } },
        };
  return {
    operationId: name,
    summary: endpoint.summary,
    description: `Roles: ${rolesOf(endpoint)}.`,
    tags: [endpoint.tag],
    parameters: [...parameters("path", endpoint.params), ...parameters("query", endpoint.query)],
    ...(endpoint.body === undefined
      ? {}
      : {
          requestBody: {
            required: true,
            content: { "application/json": { schema: jsonSchema(endpoint.body, "input") } },
          },
        }),
    responses: {
      [status]: success,
      default: {
        description: "A refusal, explained",
        content: { "application/problem+json": { schema: { $ref: "#/components/schemas/Problem" } } },
      },
    },
    security: endpoint.access === "public" ? [] : [{ bearer: [] }, { session: [] }],
  };
}

/** Who may call an operation, in words. */
export function rolesOf({ access }: Endpoint): string {
  if (access === "public") return "none needed";
  return [...new Set(access.flatMap((permission): readonly string[] => permissions[permission]))].join(", ");
}

function parameters(place: "path" | "query", schema: z.ZodObject | undefined): JsonSchema[] {
  if (schema === undefined) return [];
  const { properties = {}, required = [] } = jsonSchema(schema, "input") as {
    properties?: Record<string, JsonSchema>;
    required?: string[];
  };
  return Object.entries(properties).map(([name, property]) => ({
    name,
    in: place,
    required: place === "path" || required.includes(name),
    schema: property,
  }));
}
