import { type Endpoint, endpoints, type Locale, text } from "@ciclo/contract";
import { html } from "hono/html";
import { apiBase } from "./request.ts";
import { rolesOf } from "./openapi.ts";

/** The one page that the server draws itself: the API, readable. */

const style = `
:root{color-scheme:light dark;--line:#8884}
body{font:15px/1.5 system-ui,sans-serif;max-width:60rem;margin:2rem auto;padding:0 1rem}
table{border-collapse:collapse;width:100%}td,th{text-align:left;padding:.4rem .6rem;border-bottom:1px solid var(--line);vertical-align:top}
code{font:13px/1.5 ui-monospace,monospace;overflow-wrap:anywhere}
@media(max-width:40rem){thead{display:none}td,th{display:block;border:0;padding:.1rem 0}tr{display:block;border-bottom:1px solid var(--line);padding:.5rem 0}}
`;

const page = (locale: Locale, title: string, body: unknown) =>
  html`<!doctype html>
    <html lang="${locale}">
      <meta charset="utf-8" />
      <meta name="viewport" content="width=device-width, initial-scale=1" />
      <title>${title}</title>
      <link rel="stylesheet" href="${docsStyle.path}" />
      ${body}
    </html>`;

/** The API, readable: every operation with who may call it. */
export function docsPage(locale: Locale) {
  const rows = Object.values<Endpoint>(endpoints).map(
    (endpoint) =>
      html`<tr>
        <td><code>${endpoint.method} ${apiBase}${endpoint.path}</code></td>
        <td>${endpoint.summary}</td>
        <td>${rolesOf(endpoint)}</td>
      </tr>`,
  );
  const heading = text("Ciclo API", "API do Ciclo")[locale];
  const intro = text("Send the token as", "Envie o token como")[locale];
  const schema = text("Complete, with schemas", "Completo, com esquemas")[locale];
  const columns = text("Operation,What it does,Roles", "Operação,O que faz,Papéis")[locale].split(",");
  return page(
    locale,
    heading,
    html`<main>
      <h1>${heading}</h1>
      <p>
        ${intro} <code>Authorization: Bearer …</code>. ${schema}:
        <a href="${apiBase}/openapi.json">OpenAPI 3.1</a>.
      </p>
      <table>
        <thead>
          <tr>
            ${columns.map((column) => html`<th>${column}</th>`)}
          </tr>
        </thead>
        <tbody>
          ${rows}
        </tbody>
      </table>
    </main>`,
  );
}

export const docsStyle = { path: "/api/docs.css", type: "text/css; charset=utf-8", body: style } as const;
