import type { Intent } from "@ciclo/contract";
import type { Fields, Known } from "./fields.ts";

/** What people write, and what is meant. `recognise.test.ts` scores the recogniser against it. */
export type Example = { says: string; intent: Intent | null; fields: Fields };

/** The configuration that the examples speak of. */
export const exampleConfiguration: Known = {
  agents: ["assistant", "catalog", "billing-bot"],
  policies: ["approvals", "spend-guard", "budget", "cost", "access", "network", "commands", "canary"],
  servers: ["github-tools", "everything"],
};

const add = (says: string, agent_name: string | undefined, fields: Fields = {}): Example => ({
  says,
  intent: "add_agent",
  fields: agent_name === undefined ? fields : { agent_name, ...fields },
});
const edit = (says: string, policy_id: string | undefined, changes?: Fields, more: Fields = {}): Example => ({
  says,
  intent: "edit_policies",
  fields: {
    ...(policy_id === undefined ? {} : { policy_id }),
    ...(changes === undefined ? {} : { changes }),
    ...more,
  },
});
const generate = (says: string, artifact_type: string, target_path?: string, more: Fields = {}): Example => ({
  says,
  intent: "generate_artifact",
  fields: { artifact_type, ...(target_path === undefined ? {} : { target_path }), ...more },
});
const remove = (says: string, agent_name?: string): Example => ({
  says,
  intent: "remove_agent",
  fields: agent_name === undefined ? {} : { agent_name },
});
const onboard = (says: string, agent_name: string | undefined, fields: Fields = {}): Example => ({
  says,
  intent: "onboard_server",
  fields: agent_name === undefined ? fields : { agent_name, ...fields },
});
const server = (intent: "remove_server" | "accept_tools", says: string, name?: string): Example => ({
  says,
  intent,
  fields: name === undefined ? {} : { server: name },
});
const moveServer = (says: string): Example => ({
  says,
  intent: "edit_server",
  fields: { server: "catalog", changes: { url: "https://catalog.example.com/v2/mcp" } },
});
const question = (says: string): Example => ({ says, intent: null, fields: {} });

const monthly = (monthly_usd: number): Fields => ({ limits: { monthly_usd } });
const daily = (daily_usd: number): Fields => ({ limits: { daily_usd } });
const chatAndPlanning = { capabilities: ["chat", "planning"] };

export const examples: readonly Example[] = [
  // add_agent, Portuguese
  add("adicione o agente catalog do repositório agents-hub com as capacidades chat e planning", "catalog", {
    repository: "agents-hub",
    ...chatAndPlanning,
  }),
  add(
    "Adicione o agente vendas do repositorio agents-hub com as capacidades chat, planning e busca.",
    "vendas",
    { repository: "agents-hub", capabilities: ["chat", "planning", "busca"] },
  ),
  add("por favor, adicione um agente chamado fiscal", "fiscal"),
  add("quero adicionar o agente suporte com capacidades triagem e resposta", "suporte", {
    capabilities: ["triagem", "resposta"],
  }),
  add("crie um agente de nome estoque com a capacidade inventario", "estoque", {
    capabilities: ["inventario"],
  }),
  add("cadastre o agente revisor, repositório https://github.com/acme/revisor.git", "revisor", {
    repository: "https://github.com/acme/revisor.git",
  }),
  add("adiciona o agnete cobranca", "cobranca"),
  add("adcione o agente relatorios do repositório bi-agents", "relatorios", { repository: "bi-agents" }),
  add("você pode adicionar o agente tradutor com as capacidades tradução e revisão?", "tradutor", {
    capabilities: ["tradução", "revisão"],
  }),
  add("do repositório agents-hub, adicione o agente catalogo com capacidades chat", "catalogo", {
    repository: "agents-hub",
    capabilities: ["chat"],
  }),
  add("com as capacidades chat e planning, adicione o agente roteiro", "roteiro", chatAndPlanning),
  add("preciso que você cadastre o agente onboarding", "onboarding"),
  add("inclua o agente sre com endpoint https://sre.example.com/mcp", "sre", {
    endpoint: "https://sre.example.com/mcp",
  }),
  add(
    "registre o agente logs no endpoint https://logs.example.com/mcp com as ferramentas search e tail",
    "logs",
    { endpoint: "https://logs.example.com/mcp", tools: ["search", "tail"] },
  ),
  add("novo agente: marketing", "marketing"),
  add("novo agente qa do repositório quality-hub", "qa", { repository: "quality-hub" }),
  add('adicione o agente "Gestor de Contratos"', "gestor-de-contratos"),
  add("adicione deploy como agente", "deploy"),
  add("gostaria de adicionar um agente", undefined),
  add("adicione o agente pesquisa com modelo openai/gpt-5", "pesquisa", {
    model: { provider: "openai", name: "gpt-5" },
  }),
  add('adicione o agente docs com o título "Documentação"', "docs", { title: "Documentação" }),
  add("adicione o agente local com o comando `npx -y server-x`", "local", {
    command: "npx",
    args: ["-y", "server-x"],
  }),
  add("Adicione o agente planejador, com capacidades: planning; chat", "planejador", {
    capabilities: ["planning"],
  }),
  // add_agent, English
  add("add the agent catalog from repository agents-hub with capabilities chat and planning", "catalog", {
    repository: "agents-hub",
    ...chatAndPlanning,
  }),
  add("Please add an agent called invoices with the capabilities ocr, parsing and chat", "invoices", {
    capabilities: ["ocr", "parsing", "chat"],
  }),
  add("can you add the support agent from the helpdesk repo?", "support", { repository: "helpdesk" }),
  add("create agent triage", "triage"),
  add("I want to register an agent named search-bot with tools query and index", "search-bot", {
    tools: ["query", "index"],
  }),
  add("ad the agent payroll", "payroll"),
  add("add agnet payroll from repo hr-agents", "payroll", { repository: "hr-agents" }),
  add("onboard the agent metrics at https://metrics.example.com/mcp", "metrics", {
    endpoint: "https://metrics.example.com/mcp",
  }),
  add("from the agents-hub repository, add the agent writer with capability drafting", "writer", {
    repository: "agents-hub",
    capabilities: ["drafting"],
  }),
  add("we need to add an agent named audit-helper", "audit-helper"),
  add("new agent reviewer with capabilities review and chat", "reviewer", {
    capabilities: ["review", "chat"],
  }),
  add("add release-notes as an agent", "release-notes"),
  add("could you please create an agent called ops using model anthropic/claude-sonnet-5", "ops", {
    model: { provider: "anthropic", name: "claude-sonnet-5" },
  }),
  add("let's add the agent scribe, transport sse, endpoint https://scribe.example.com/sse", "scribe", {
    transport: "sse",
    endpoint: "https://scribe.example.com/sse",
  }),
  add("add an agent", undefined),
  add("hi, add the data-quality agent that can profile and validate", "data-quality", {
    capabilities: ["profile", "validate"],
  }),
  add("Register agent planner with capabilities chat & planning", "planner", chatAndPlanning),
  // edit_policies, Portuguese
  edit("aumente o limite mensal de spend-guard para 1000 USD", "spend-guard", monthly(1000)),
  edit("Aumente o limite mensal da política spend-guard para US$ 1.500,50", "spend-guard", monthly(1500.5)),
  edit("altere o limite diario do spend-guard para 50", "spend-guard", daily(50)),
  edit("reduza o orçamento mensal de spend-guard para 300 dólares", "spend-guard", monthly(300)),
  edit("mude o limite mensal da spend-guard de 200 para 2 mil", "spend-guard", monthly(2000)),
  edit("na política approvals, defina as aprovações necessárias para 2", "approvals", {
    default: { required: 2 },
  }),
  edit("defina limits.monthly_usd de spend-guard como 750", "spend-guard", monthly(750)),
  edit("aumnete o limite mensal de spend-guard para 900", "spend-guard", monthly(900)),
  edit("para spend-guard, suba o limite diário para 80", "spend-guard", daily(80)),
  edit("quero que o limite mensal de spend-guard mude para 600", "spend-guard", monthly(600)),
  edit("altere a política cost: timeout para 30", "cost", { defaults: { timeout_s: 30 } }),
  edit("diminua o custo máximo por chamada na política cost para 0,25", "cost", {
    defaults: { max_cost_usd: 0.25 },
  }),
  edit("mude a expiração em approvals para 48 horas", "approvals", { default: { expires_after: "48h" } }),
  edit("atualize o limite mensal", undefined),
  edit("altere a política spend-guard", "spend-guard"),
  edit("coloque a latência do canary em 800", "canary", { max_latency_ms: 800 }),
  edit("ajuste a taxa de erro da política canary para 5%", "canary", { max_error_rate: 0.05 }),
  edit("defina a autoaprovação como nunca na política approvals", "approvals", {
    default: { self_approval: "never" },
  }),
  edit("baixe o limite mensal da política budget para 250", "budget", monthly(250)),
  edit("aumente o máximo de tokens da política cost para 32000", "cost", { defaults: { max_tokens: 32000 } }),
  edit("pode mudar as sondas do canary para 10?", "canary", { probes: 10 }),
  edit("passe o limite mensal de spend-guard pra 1k", "spend-guard", monthly(1000)),
  edit("crie a política nightly do tipo budget", "nightly", { kind: "budget" }, { create: true }),
  // edit_policies, English
  edit("raise the monthly limit of spend-guard to 1000 USD", "spend-guard", monthly(1000)),
  edit("Please raise spend-guard's monthly limit to $1,250.50", "spend-guard", monthly(1250.5)),
  edit("set the daily limit of spend-guard to 40", "spend-guard", daily(40)),
  edit("lower the monthly budget of spend-guard from 200 to 150 USD", "spend-guard", monthly(150)),
  edit("change policy approvals to require 2 approvals", "approvals", { default: { required: 2 } }),
  edit("set limits.monthly_usd of spend-guard to 4000", "spend-guard", monthly(4000)),
  edit("rasie the monthly limit of spend-guard to 500", "spend-guard", monthly(500)),
  edit("could you increase the spend-guard monthly limit to 2k?", "spend-guard", monthly(2000)),
  edit("for spend-guard, set the daily limit to 25 dollars", "spend-guard", daily(25)),
  edit("update the cost policy timeout to 90", "cost", { defaults: { timeout_s: 90 } }),
  edit("change the max cost in policy cost to 1.5", "cost", { defaults: { max_cost_usd: 1.5 } }),
  edit("make approvals expire after 24h in policy approvals", "approvals", {
    default: { expires_after: "24h" },
  }),
  edit("set the canary error rate to 10%", "canary", { max_error_rate: 0.1 }),
  edit("reduce the canary latency to 500 ms", "canary", { max_latency_ms: 500 }),
  edit("change the monthly limit", undefined),
  edit("edit the policy spend-guard", "spend-guard"),
  edit("set self-approval to never in the approvals policy", "approvals", {
    default: { self_approval: "never" },
  }),
  edit("bump probes of canary to 20", "canary", { probes: 20 }),
  edit("when exceeded, block: set on_exceeded of spend-guard to block", "spend-guard", {
    on_exceeded: "block",
  }),
  edit("I need you to decrease the monthly limit for spend-guard to 100", "spend-guard", monthly(100)),
  // generate_artifact
  generate("gere um ADR em docs/adr/0007-cache.md", "adr", "docs/adr/0007-cache.md"),
  generate(
    "gere uma ADR sobre cache de sessões em docs/adr/0008-sessoes.md",
    "adr",
    "docs/adr/0008-sessoes.md",
    { parameters: { title: "cache de sessões" } },
  ),
  generate(
    'crie um ADR com o título "Fila de eventos" em docs/adr/0009-fila.md',
    "adr",
    "docs/adr/0009-fila.md",
    { parameters: { title: "Fila de eventos" } },
  ),
  generate("escreva um runbook em docs/runbooks/rotacao.md", "runbook", "docs/runbooks/rotacao.md"),
  generate("gere o readme do agente catalog", "agent.readme", "agents/catalog/README.md"),
  generate("gere o manifesto do agente billing-bot", "agent.manifest", "agents/billing-bot/agent.yaml"),
  generate("monte um checklist finops em generated/finops.md", "finops.checklist", "generated/finops.md"),
  generate("em docs/adr/0010-fila.md, gere um ADR", "adr", "docs/adr/0010-fila.md"),
  generate("gere um runbook", "runbook"),
  generate("você poderia gerar um runbook sobre falha do gateway?", "runbook", undefined, {
    parameters: { title: "falha do gateway" },
  }),
  generate("gerar adr docs/adr/0011-x.md", "adr", "docs/adr/0011-x.md"),
  generate("preciso de um novo ADR em docs/adr/0012-log.md", "adr", "docs/adr/0012-log.md"),
  generate("faça o checklist de finops em docs/finops.md", "finops.checklist", "docs/finops.md"),
  generate("generate an ADR at docs/adr/0007-cache.md", "adr", "docs/adr/0007-cache.md"),
  generate(
    "write a runbook about key rotation at docs/runbooks/keys.md",
    "runbook",
    "docs/runbooks/keys.md",
    { parameters: { title: "key rotation" } },
  ),
  generate('draft an ADR titled "Use SQLite" in docs/adr/0013-sqlite.md', "adr", "docs/adr/0013-sqlite.md", {
    parameters: { title: "Use SQLite" },
  }),
  generate("create the readme for the agent catalog", "agent.readme", "agents/catalog/README.md"),
  generate(
    "please generate a finops checklist at generated/finops-q1.md",
    "finops.checklist",
    "generated/finops-q1.md",
  ),
  generate("generte a runbook at docs/runbooks/x.md", "runbook", "docs/runbooks/x.md"),
  generate("can you write an ADR?", "adr"),
  generate("produce the manifest of agent billing-bot", "agent.manifest", "agents/billing-bot/agent.yaml"),
  generate("new runbook at docs/runbooks/restore.md", "runbook", "docs/runbooks/restore.md"),
  // remove_agent
  remove("remova o agente catalog", "catalog"),
  remove("exclua o agente billing-bot, por favor", "billing-bot"),
  remove("apague o agente catalog", "catalog"),
  remove("pode remover o agente catalog?", "catalog"),
  remove("quero excluir o billing-bot", "billing-bot"),
  remove("remva o agente catalog", "catalog"),
  remove("remova um agente"),
  remove("remove the agent catalog", "catalog"),
  remove("please delete agent billing-bot", "billing-bot"),
  remove("delete the catalog agent", "catalog"),
  remove("drop billing-bot", "billing-bot"),
  remove("could you remove the agent catalog?", "catalog"),
  // Questions and remarks that ask for no change
  question("quais agentes existem?"),
  question("como adiciono um agente?"),
  question("como faço para adicionar um agente novo"),
  question("o que acontece se eu remover o agente catalog?"),
  question("qual é o limite mensal de spend-guard?"),
  question("quem aprova uma mudança de política?"),
  question("por que o limite mensal mudou para 1000?"),
  question("adicionei o agente catalog ontem e ele não aparece"),
  question("o agente catalog foi removido?"),
  question("posso remover um agente sem aprovação?"),
  question("quando o limite diário é zerado?"),
  question("me explique a política de aprovações"),
  question("liste as políticas"),
  question("existe um ADR sobre cache?"),
  question("o limite de spend-guard é muito baixo"),
  question("bom dia!"),
  question("obrigado, era isso"),
  question("onde ficam os runbooks?"),
  question("quantos agentes usam spend-guard?"),
  question("é possível alterar a política com o modo direct?"),
  question("which agents are there?"),
  question("how do I add an agent?"),
  question("what happens if I remove the agent catalog?"),
  question("what is the monthly limit of spend-guard?"),
  question("who raised the monthly limit to 1000?"),
  question("can I change a policy without an approval?"),
  question("I added the agent catalog yesterday and it does not show up"),
  question("was the agent catalog removed?"),
  question("why was the limit changed?"),
  question("the monthly limit of spend-guard is too low"),
  question("show me the policies"),
  question("is there a runbook for rollback?"),
  question("how does rollback work"),
  question("does generating an ADR need an approval?"),
  question("thanks!"),
  question("does the gateway add latency"),
  question("tell me how to delete an agent"),
  question("remova a política spend-guard"),
  question("should we raise the monthly limit of spend-guard to 1000?"),
  question("explain the difference between budget and cost"),
  // Amounts that are relative, negative or in another unit; a policy of a kind; a command with its arguments
  edit("raise the monthly limit of spend-guard by 100", "spend-guard"),
  edit("raise the monthly limit of spend-guard by 10%", "spend-guard"),
  edit("aumente o limite mensal de spend-guard em 20%", "spend-guard"),
  edit("aumente em 50 o limite diário do spend-guard", "spend-guard"),
  edit("set the monthly limit of spend-guard to -5", "spend-guard"),
  edit("dobre o limite mensal de spend-guard", "spend-guard"),
  edit("set the cost policy timeout to 2 minutes", "cost", { defaults: { timeout_s: 120 } }),
  edit(
    "crie uma política de orçamento time-b com limite diário de 10 dólares",
    "time-b",
    { kind: "budget", ...daily(10) },
    { create: true },
  ),
  edit(
    "create a budget policy called team-a with a monthly limit of 300 USD",
    "team-a",
    { kind: "budget", ...monthly(300) },
    { create: true },
  ),
  add("add agent foo, command: npx, args: -y, billing-mcp", "foo", {
    command: "npx",
    args: ["-y", "billing-mcp"],
  }),
  add("add agent bar with command npx and args -y billing-mcp", "bar", {
    command: "npx",
    args: ["-y", "billing-mcp"],
  }),
  // MCP servers
  onboard("integre o servidor MCP estoque em https://estoque.example.com/mcp", "estoque", {
    endpoint: "https://estoque.example.com/mcp",
  }),
  onboard("conecte o servidor MCP jira pelo endereço https://jira.example.com/mcp", "jira", {
    endpoint: "https://jira.example.com/mcp",
  }),
  onboard("adicione o servidor arquivos com o comando `mcp-server-filesystem /srv/docs`", "arquivos", {
    command: "mcp-server-filesystem",
    args: ["/srv/docs"],
  }),
  onboard("onboard the MCP server catalog at https://catalog.example.com/mcp", "catalog", {
    endpoint: "https://catalog.example.com/mcp",
  }),
  onboard("please add the MCP server search with endpoint https://search.example.com/mcp", "search", {
    endpoint: "https://search.example.com/mcp",
  }),
  onboard("register a new MCP server called files with the command `mcp-server-files --ro`", "files", {
    command: "mcp-server-files",
    args: ["--ro"],
  }),
  onboard("add an MCP server", undefined),
  server("remove_server", "remova o servidor MCP everything", "everything"),
  server("remove_server", "remove the MCP server github-tools", "github-tools"),
  moveServer("altere o servidor MCP catalog para https://catalog.example.com/v2/mcp"),
  moveServer("change the MCP server catalog to https://catalog.example.com/v2/mcp"),
  moveServer("mude o endereço do servidor catalog para https://catalog.example.com/v2/mcp"),
  server("accept_tools", "aceite as ferramentas do servidor everything", "everything"),
  server("accept_tools", "aceite as ferramentas de github-tools", "github-tools"),
  server("accept_tools", "accept the tools of server everything", "everything"),
  server("accept_tools", "accept the changed tools of github-tools", "github-tools"),
  question("quais servidores MCP estão fora do ar?"),
  question("which MCP servers are there?"),
  question("how do I add an MCP server?"),
  question("o servidor everything está lento"),
];
