import { type Intent, type Locale, type Text, text } from "@ciclo/contract";
import type { CycleWishOutcome } from "../../domain/cycle-wish.ts";
import { fold } from "../../lib/fold.ts";

/** What the assistant says. */

export const intentTexts: Record<Intent, { description: Text; example: Text }> = {
  add_agent: {
    description: text("Add an agent", "Adicionar um agente"),
    example: text(
      "add the agent catalog from repository agents-hub with capabilities chat and planning",
      "adicione o agente catalog do repositório agents-hub com as capacidades chat e planning",
    ),
  },
  onboard_server: {
    description: text("Onboard an MCP server", "Integrar um servidor MCP"),
    example: text(
      "onboard the MCP server catalog at https://catalog.example.com/mcp",
      "integre o servidor MCP catalog em https://catalog.example.com/mcp",
    ),
  },
  import_servers: {
    description: text(
      "Import the servers of an mcp.json: page Servers, or ciclo servers import",
      "Importar os servidores de um mcp.json: página Servidores ou ciclo servers import",
    ),
    example: text(
      "ciclo servers import cursor .cursor/mcp.json",
      "ciclo servers import cursor .cursor/mcp.json",
    ),
  },
  edit_server: {
    description: text("Change how an MCP server is reached", "Alterar como um servidor MCP é alcançado"),
    example: text(
      "change the MCP server catalog to https://catalog.example.com/v2/mcp",
      "altere o servidor MCP catalog para https://catalog.example.com/v2/mcp",
    ),
  },
  accept_tools: {
    description: text(
      "Accept tools of a server as they are offered now",
      "Aceitar ferramentas de um servidor como são oferecidas agora",
    ),
    example: text("accept the tools of server catalog", "aceite as ferramentas do servidor catalog"),
  },
  edit_policies: {
    description: text("Change or create a policy", "Alterar ou criar uma política"),
    example: text(
      "raise the monthly limit of spend-guard to 1000 USD",
      "aumente o limite mensal de spend-guard para 1000 USD",
    ),
  },
  generate_artifact: {
    description: text("Generate a document", "Gerar um documento"),
    example: text("generate an ADR at docs/adr/0007-cache.md", "gere um ADR em docs/adr/0007-cache.md"),
  },
  remove_agent: {
    description: text("Remove an agent", "Remover um agente"),
    example: text("remove the agent catalog", "remova o agente catalog"),
  },
  remove_server: {
    description: text("Remove an MCP server", "Remover um servidor MCP"),
    example: text("remove the MCP server catalog", "remova o servidor MCP catalog"),
  },
};

const questions: Record<string, Text> = {
  agent_name: text("Which agent? Its name, such as catalog.", "Qual agente? O nome, como catalog."),
  endpoint: text(
    "Where is it? Its address, such as https://catalog.example.com/mcp, or its command.",
    "Onde está? O endereço, como https://catalog.example.com/mcp, ou o comando.",
  ),
  server: text("Which server? Its id, such as catalog.", "Qual servidor? O id, como catalog."),
  policy_id: text("Which policy? There are: {policies}.", "Qual política? Há: {policies}."),
  changes: text(
    "What should change, and to which value? For example: monthly limit to 500.",
    "O que deve mudar, e para qual valor? Por exemplo: limite mensal para 500.",
  ),
  artifact_type: text(
    "Which document: ADR, runbook, agent README, agent manifest or FinOps checklist?",
    "Qual documento: ADR, runbook, README do agente, manifesto do agente ou checklist FinOps?",
  ),
  target_path: text(
    "At which path? Such as docs/adr/0001-title.md.",
    "Em qual caminho? Como docs/adr/0001-titulo.md.",
  ),
};

/** What was understood, and the question for the first field that is missing. */
export function askFor(
  intent: Intent,
  payload: Record<string, unknown>,
  missing: readonly string[],
  policies: readonly string[],
  locale: Locale,
): string {
  const question = questions[missing[0] ?? ""]?.[locale] ?? missing.join(", ");
  return `${understood(intent, payload, locale)}\n\n${question.replace("{policies}", policies.join(", "))}`;
}

/** The intent and each field that was understood. */
export function understood(intent: Intent, payload: Record<string, unknown>, locale: Locale): string {
  const fields = Object.entries(payload).map(([name, value]) => `- ${name}: ${show(value)}`);
  const heading = text("Understood", "Entendi")[locale];
  return [`${heading}: ${intentTexts[intent].description[locale]}`, ...fields].join("\n");
}

const show = (value: unknown): string =>
  typeof value === "string" ? value : Array.isArray(value) ? value.join(", ") : JSON.stringify(value);

export const planned = (summary: string, planId: string): Text =>
  text(
    `Plan ${planId}: ${summary}. Look at the diff and the risks, try a dry run, then submit it for approval. To change it, just say what.`,
    `Plano ${planId}: ${summary}. Veja o diff e os riscos, faça uma simulação e submeta para aprovação. Para alterá-lo, basta dizer o quê.`,
  );

export const needsPlanner = text(
  "Understood, but a plan needs the role planner. Ask an admin, or somebody who has it.",
  "Entendido, mas gerar um plano requer o papel planner. Peça a um admin ou a quem o tenha.",
);

export const cancelled = text("Dropped. Nothing was changed.", "Descartado. Nada foi alterado.");

export const nothingFound = text(
  "I found nothing on that. I can plan these changes; or ask about agents, policies, servers or how the console works:",
  "Não encontrei nada sobre isso. Posso planejar estas mudanças; ou pergunte sobre agentes, políticas, servidores ou o funcionamento da console:",
);

export const found = text("This is what I found:", "Encontrei isto:");

const portuguese = new Set(
  "o os um uma de do da em no na para com que qual quais quem como quando onde quantos quantas existe ha por favor agente agentes politica limite adicione remova gere crie altere aumente quero preciso nao sim meu minha esta sao mostre liste".split(
    " ",
  ),
);
const english = new Set(
  "the a an of in on for with what which who how when where many are is please agent agents policy limit add remove generate create change raise want need not yes my this show list there".split(
    " ",
  ),
);

/** The language a message is in, or the caller's own where it does not tell. */
export function languageOf(message: string, fallback: Locale): Locale {
  // Not from addresses and paths: ".com" is no Portuguese.
  const words = fold(message.replace(/\S*[./]\S+/g, " ")).split(/[^a-z]+/);
  const score =
    words.filter((word) => portuguese.has(word)).length - words.filter((word) => english.has(word)).length;
  return score === 0 ? fallback : score > 0 ? "pt-BR" : "en";
}

export const sayTheValue = text(
  "I cannot tell what that is relative to: the live policy has no number there, or several fit. Name the policy and the value itself, such as: set the daily limit of budget to 55",
  "Não sei a que isso é relativo: a política ativa não tem um número ali, ou vários servem. Diga a política e o próprio valor, por exemplo: defina o limite diário de budget em 55",
);

export const maskedText = text(
  "Part of your message looks like a credential; it was neither kept nor used. Keys go to the page Keys, or: ciclo keys add PROVIDER/NAME. Configuration then refers to them as secret:PROVIDER/NAME. If it was a real one, rotate it.",
  "Parte da sua mensagem parece uma credencial; ela não foi guardada nem usada. Chaves vão na página Chaves, ou: ciclo keys add PROVEDOR/NOME. A configuração então as cita como secret:PROVEDOR/NOME. Se era verdadeira, rotacione-a.",
);

export const unplannedText = (others: readonly string[]): Text =>
  text(
    `You asked for ${others.length + 1} things. One change is one plan: this is about the first. Ask for the ${others.length === 1 ? "other" : "others"} next: ${others.map((each) => `“${each.trim()}”`).join("; ")}`,
    `Você pediu ${others.length + 1} coisas. Cada mudança é um plano: este é sobre a primeira. Peça ${others.length === 1 ? "a outra" : "as outras"} em seguida: ${others.map((each) => `“${each.trim()}”`).join("; ")}`,
  );

/** Under what a model had a part in. */
export const answeredBy = (model: string): Text =>
  text(
    `By the model ${model}: check it. Nothing changes before somebody approves it.`,
    `Pelo modelo ${model}: confira. Nada muda antes de alguém aprovar.`,
  );

/** Under an answer of the rules, where a model was to help. */
export const withoutModel = (why: string): Text =>
  text(`(The model was of no help: ${why})`, `(O modelo não ajudou: ${why})`);

export const cycleNeedsPlanner = text(
  "Starting a delivery cycle needs the role planner: ask somebody who has it, or an admin to give it to you.",
  "Iniciar um ciclo de entrega exige o papel planner: peça a quem o tem, ou que um admin o dê a você.",
);
export const cycleByPerson = text(
  "A delivery cycle spends money: people start one by asking here themselves, on the page Cycles, or with ciclo cycle start. Nothing was started.",
  "Um ciclo de entrega gasta dinheiro: pessoas iniciam um pedindo aqui elas mesmas, na página Ciclos, ou com ciclo cycle start. Nada foi iniciado.",
);
export const cycleRefused = text("The cycle was not started.", "O ciclo não foi iniciado.");

/** What came of the wish for a cycle, and what to say next. */
export function cycleOutcome(outcome: CycleWishOutcome): Text {
  switch (outcome.kind) {
    case "started": {
      const { id, title, repository } = outcome.cycle;
      return text(
        `The cycle ${id} has begun: ${title}, on ${repository}. The analysis comes first, and waits for an approver. Follow it on the page Cycles, or with: ciclo cycle show ${id}`,
        `O ciclo ${id} começou: ${title}, em ${repository}. Primeiro vem a análise, que espera por um aprovador. Acompanhe na página Ciclos, ou com: ciclo cycle show ${id}`,
      );
    }
    case "no_issue":
      return text(
        `For which issue? Nothing was started. Say it with its number or address, or what is wanted behind a colon: start a cycle for issue 12 of ${outcome.repository}`,
        `Para qual issue? Nada foi iniciado. Diga com o número ou o endereço, ou o que se quer depois de dois-pontos: inicie um ciclo para a issue 12 do repositório ${outcome.repository}`,
      );
    case "no_issues_there":
      return text(
        `${outcome.repository} is on no forge that the console knows, so that a number says nothing there. Nothing was started. Give the address of the issue, or what is wanted behind a colon.`,
        `${outcome.repository} não está em nenhuma forja que a console conheça, e ali um número nada diz. Nada foi iniciado. Dê o endereço da issue, ou o que se quer depois de dois-pontos.`,
      );
    case "which_repository": {
      const list = outcome.may_be.map((one) => `- ${one}`).join("\n");
      return outcome.name === null
        ? text(
            `In which repository? Nothing was started. policies/cycles.yaml lets cycles work on:\n\n${list}`,
            `Em qual repositório? Nada foi iniciado. policies/cycles.yaml deixa ciclos trabalharem em:\n\n${list}`,
          )
        : text(
            `Which repository is "${outcome.name}"? Nothing was started. Say one of these in full, or have policies/cycles.yaml name it:\n\n${list}`,
            `Qual repositório é "${outcome.name}"? Nada foi iniciado. Diga um destes por inteiro, ou faça policies/cycles.yaml nomeá-lo:\n\n${list}`,
          );
    }
  }
}
