import { type Endpoint, endpoints, type Locale, text } from "@ciclo/contract";
import { html } from "hono/html";
import { apiBase } from "./mount.ts";
import { rolesOf } from "./openapi.ts";

/** The few pages that the server draws itself: no script but our own file, no style but our own. */

const style = `
:root{color-scheme:light dark;--line:#8884}
body{font:15px/1.5 system-ui,sans-serif;max-width:60rem;margin:2rem auto;padding:0 1rem}
table{border-collapse:collapse;width:100%}td,th{text-align:left;padding:.4rem .6rem;border-bottom:1px solid var(--line);vertical-align:top}
code{font:13px/1.5 ui-monospace,monospace;overflow-wrap:anywhere}
button{font:inherit;padding:.5rem 1rem}#state{min-height:1.5em}
@media(max-width:40rem){thead{display:none}td,th{display:block;border:0;padding:.1rem 0}tr{display:block;border-bottom:1px solid var(--line);padding:.5rem 0}}
`;

const page = (locale: Locale, title: string, body: unknown) =>
  html`<!doctype html>
    <html lang="${locale}">
      <meta charset="utf-8" />
      <meta name="viewport" content="width=device-width, initial-scale=1" />
      <title>${title}</title>
      <link rel="stylesheet" href="/assets/page.css" />
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

/** Where a one-time link leads. The secret is behind the #, so no log sees it. */
export function signInPage(locale: Locale) {
  const say = (en: string, ptBR: string): string => text(en, ptBR)[locale];
  return page(
    locale,
    say("Sign in to Ciclo", "Entrar no Ciclo"),
    html`<main>
        <h1>${say("Sign in to Ciclo", "Entrar no Ciclo")}</h1>
        <p>
          ${say("This link signs you in once, within 15 minutes of its making.", "Este link permite entrar uma vez, até 15 minutos depois de criado.")}
        </p>
        <form id="sign-in"><button>${say("Sign in", "Entrar")}</button></form>
        <p
          id="state"
          role="status"
          data-done="${say("Signed in as", "Conectado como")}"
          data-failed="${say("This link was used or is too old. Make another: ciclo user link <e-mail>", "Este link já foi usado ou expirou. Crie outro: ciclo user link <e-mail>")}"
        ></p>
        <p><a href="/api/docs">${say("API documentation", "Documentação da API")}</a></p>
      </main>
      <script src="/assets/sign-in.js"></script>`,
  );
}

const signInScript = `
const form = document.getElementById("sign-in");
const state = document.getElementById("state");
form.addEventListener("submit", async (event) => {
  event.preventDefault();
  const link = location.hash.slice(1);
  history.replaceState(null, "", location.pathname);
  const response = await fetch("/api/v1/session", {
    method: "POST",
    headers: { "content-type": "application/json" },
    body: JSON.stringify({ link }),
  });
  const answer = await response.json();
  state.textContent = response.ok ? state.dataset.done + " " + answer.user.email : state.dataset.failed;
  form.hidden = true;
});
`;

export const assets: Readonly<Record<string, { type: string; body: string }>> = {
  "/assets/page.css": { type: "text/css; charset=utf-8", body: style },
  "/assets/sign-in.js": { type: "text/javascript; charset=utf-8", body: signInScript },
};
