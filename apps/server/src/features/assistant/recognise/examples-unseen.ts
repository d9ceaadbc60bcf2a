import type { Example } from "./examples.ts";

/** Sentences that were written without sight of the recogniser, which was tuned on them afterwards. */
export const unseenExamples: readonly Example[] = [
  {
    says: "Adiciona um agente chamado fatura-bot no repositório acme/fatura-bot com as capacidades cobranca e conciliacao",
    intent: "add_agent",
    fields: {
      agent_name: "fatura-bot",
      repository: "acme/fatura-bot",
      capabilities: ["cobranca", "conciliacao"],
    },
  },
  {
    says: "oi, por favor cadastre o agente relatorios, repo https://github.com/acme/relatorios, transporte sse, endpoint https://relatorios.acme.io/sse",
    intent: "add_agent",
    fields: {
      agent_name: "relatorios",
      repository: "https://github.com/acme/relatorios",
      transport: "sse",
      endpoint: "https://relatorios.acme.io/sse",
    },
  },
  {
    says: "quero registrar um novo agente",
    intent: "add_agent",
    fields: {},
  },
  {
    says: "cria agente triagem-tickets capacidades: classificar, resumir; ferramentas: jira, slack",
    intent: "add_agent",
    fields: {
      agent_name: "triagem-tickets",
      capabilities: ["classificar", "resumir"],
      tools: ["jira", "slack"],
    },
  },
  {
    says: 'Você poderia incluir um agente de nome "Análise de Logs"?',
    intent: "add_agent",
    fields: {
      agent_name: "analise-de-logs",
    },
  },
  {
    says: "adicoina um agente novo chamado deploy-helper com o modelo openai/gpt-4o-mini",
    intent: "add_agent",
    fields: {
      agent_name: "deploy-helper",
      model: {
        provider: "openai",
        name: "gpt-4o-mini",
      },
    },
  },
  {
    says: 'preciso de um novo agente busca-docs que rode com o comando "npx -y @acme/busca-docs --port 8080" via stdio',
    intent: "add_agent",
    fields: {
      agent_name: "busca-docs",
      command: "npx",
      args: ["-y", "@acme/busca-docs", "--port", "8080"],
      transport: "stdio",
    },
  },
  {
    says: 'registrar agente estoque titulo "Agente de Estoque" descricao "Responde sobre saldo de itens"',
    intent: "add_agent",
    fields: {
      agent_name: "estoque",
      title: "Agente de Estoque",
      description: "Responde sobre saldo de itens",
    },
  },
  {
    says: "no repositorio git@github.com:acme/incidentes.git tem um agente, adicione ele como incidentes",
    intent: "add_agent",
    fields: {
      agent_name: "incidentes",
      repository: "git@github.com:acme/incidentes.git",
    },
  },
  {
    says: "bota aí um agente chamado faq-rh, endpoint http://faq-rh.interno:9000/mcp, streamable_http",
    intent: "add_agent",
    fields: {
      agent_name: "faq-rh",
      endpoint: "http://faq-rh.interno:9000/mcp",
      transport: "streamable_http",
    },
  },
  {
    says: "Gostaria de conectar um novo agente chamado tradutor; ele usa o modelo anthropic/claude-sonnet-4 e a ferramenta glossario",
    intent: "add_agent",
    fields: {
      agent_name: "tradutor",
      model: {
        provider: "anthropic",
        name: "claude-sonnet-4",
      },
      tools: ["glossario"],
    },
  },
  {
    says: "add agente monitor-k8s com tools kubectl, prometheus e grafana",
    intent: "add_agent",
    fields: {
      agent_name: "monitor-k8s",
      tools: ["kubectl", "prometheus", "grafana"],
    },
  },
  {
    says: "Com o endpoint wss://voz.acme.com/ws e transporte websocket, adicionar o agente Voz",
    intent: "add_agent",
    fields: {
      agent_name: "voz",
      endpoint: "wss://voz.acme.com/ws",
      transport: "websocket",
    },
  },
  {
    says: "Altere o limite mensal da política spend-guard para 250 dólares",
    intent: "edit_policies",
    fields: {
      policy_id: "spend-guard",
      changes: {
        limits: {
          monthly_usd: 250,
        },
      },
    },
  },
  {
    says: "muda limite diario do spend-guard pra 15 usd",
    intent: "edit_policies",
    fields: {
      policy_id: "spend-guard",
      changes: {
        limits: {
          daily_usd: 15,
        },
      },
    },
  },
  {
    says: "por favor, na política approvals exija 2 aprovações",
    intent: "edit_policies",
    fields: {
      policy_id: "approvals",
      changes: {
        default: {
          required: 2,
        },
      },
    },
  },
  {
    says: "as aprovacoes da politica approvals devem expirar em 48h",
    intent: "edit_policies",
    fields: {
      policy_id: "approvals",
      changes: {
        default: {
          expires_after: "48h",
        },
      },
    },
  },
  {
    says: "Defina limits.monthly_usd de budget como 1200",
    intent: "edit_policies",
    fields: {
      policy_id: "budget",
      changes: {
        limits: {
          monthly_usd: 1200,
        },
      },
    },
  },
  {
    says: "sobe o timeout da policy commands para 90 segundos",
    intent: "edit_policies",
    fields: {
      policy_id: "commands",
      changes: {
        defaults: {
          timeout_s: 90,
        },
      },
    },
  },
  {
    says: "quero editar a política network",
    intent: "edit_policies",
    fields: {
      policy_id: "network",
    },
  },
  {
    says: "aumenta o limite mensal pra US$ 500",
    intent: "edit_policies",
    fields: {
      changes: {
        limits: {
          monthly_usd: 500,
        },
      },
    },
  },
  {
    says: "no canary, usa 5 probes e latencia maxima de 800 ms",
    intent: "edit_policies",
    fields: {
      policy_id: "canary",
      changes: {
        probes: 5,
        max_latency_ms: 800,
      },
    },
  },
  {
    says: "Poderia reduzir o custo máximo por chamada da política cost para US$ 0,25?",
    intent: "edit_policies",
    fields: {
      policy_id: "cost",
      changes: {
        defaults: {
          max_cost_usd: 0.25,
        },
      },
    },
  },
  {
    says: "política approvals: autoaprovação nunca",
    intent: "edit_policies",
    fields: {
      policy_id: "approvals",
      changes: {
        default: {
          self_approval: "never",
        },
      },
    },
  },
  {
    says: "ajsuta a taxa maxima de erro do canary pra 5%",
    intent: "edit_policies",
    fields: {
      policy_id: "canary",
      changes: {
        max_error_rate: 0.05,
      },
    },
  },
  {
    says: "coloque o maximo de tokens em 4096 na politica cost",
    intent: "edit_policies",
    fields: {
      policy_id: "cost",
      changes: {
        defaults: {
          max_tokens: 4096,
        },
      },
    },
  },
  {
    says: "Atualize a política de orçamento: limite mensal de US$ 1.500 e diário de US$ 80",
    intent: "edit_policies",
    fields: {
      policy_id: "budget",
      changes: {
        limits: {
          monthly_usd: 1500,
          daily_usd: 80,
        },
      },
    },
  },
  {
    says: "Gere um ADR sobre a migração para Postgres",
    intent: "generate_artifact",
    fields: {
      artifact_type: "adr",
      parameters: {
        title: "migração para Postgres",
      },
    },
  },
  {
    says: 'cria um runbook com o titulo "Queda do gateway" em docs/runbooks/queda-gateway.md',
    intent: "generate_artifact",
    fields: {
      artifact_type: "runbook",
      target_path: "docs/runbooks/queda-gateway.md",
      parameters: {
        title: "Queda do gateway",
      },
    },
  },
  {
    says: "escreve o README do agente catalog",
    intent: "generate_artifact",
    fields: {
      artifact_type: "agent.readme",
      target_path: "agents/catalog/README.md",
    },
  },
  {
    says: "preciso do manifesto do agente billing-bot, por favor",
    intent: "generate_artifact",
    fields: {
      artifact_type: "agent.manifest",
      target_path: "agents/billing-bot/agent.yaml",
    },
  },
  {
    says: "gerar checklist de finops",
    intent: "generate_artifact",
    fields: {
      artifact_type: "finops.checklist",
    },
  },
  {
    says: "monta um checklist finops em docs/finops/checklist-2025.md",
    intent: "generate_artifact",
    fields: {
      artifact_type: "finops.checklist",
      target_path: "docs/finops/checklist-2025.md",
    },
  },
  {
    says: "Você pode redigir um runbook sobre o vazamento de memória no worker?",
    intent: "generate_artifact",
    fields: {
      artifact_type: "runbook",
      parameters: {
        title: "vazamento de memória no worker",
      },
    },
  },
  {
    says: 'gera adr "Adotar OpenTelemetry"',
    intent: "generate_artifact",
    fields: {
      artifact_type: "adr",
      parameters: {
        title: "Adotar OpenTelemetry",
      },
    },
  },
  {
    says: "em docs/adr/0012-filas.md, gere uma ADR sobre filas de mensagens",
    intent: "generate_artifact",
    fields: {
      artifact_type: "adr",
      target_path: "docs/adr/0012-filas.md",
      parameters: {
        title: "filas de mensagens",
      },
    },
  },
  {
    says: "remove o agente catalog",
    intent: "remove_agent",
    fields: {
      agent_name: "catalog",
    },
  },
  {
    says: "por favor exclua o billing-bot",
    intent: "remove_agent",
    fields: {
      agent_name: "billing-bot",
    },
  },
  {
    says: "apaga agente triagem-antiga",
    intent: "remove_agent",
    fields: {
      agent_name: "triagem-antiga",
    },
  },
  {
    says: "quero remover um agente",
    intent: "remove_agent",
    fields: {},
  },
  {
    says: "o assistant não é mais necessário, pode deletar",
    intent: "remove_agent",
    fields: {
      agent_name: "assistant",
    },
  },
  {
    says: "Tira o agente legado-erp da plataforma, por favor",
    intent: "remove_agent",
    fields: {
      agent_name: "legado-erp",
    },
  },
  {
    says: "como eu adiciono um agente?",
    intent: null,
    fields: {},
  },
  {
    says: "ontem eu removi o billing-bot",
    intent: null,
    fields: {},
  },
  {
    says: "qual é o limite mensal do spend-guard?",
    intent: null,
    fields: {},
  },
  {
    says: "remova a política canary",
    intent: null,
    fields: {},
  },
  {
    says: "quais agentes estão ativos?",
    intent: null,
    fields: {},
  },
  {
    says: "o runbook que você gerou ficou ótimo, obrigado",
    intent: null,
    fields: {},
  },
  {
    says: "não remova o agente catalog",
    intent: null,
    fields: {},
  },
  {
    says: "o João alterou a política approvals na sexta",
    intent: null,
    fields: {},
  },
  {
    says: "reinicia o agente assistant",
    intent: null,
    fields: {},
  },
  {
    says: "pra que serve a politica network?",
    intent: null,
    fields: {},
  },
  {
    says: "crie uma nova política chamada retencao",
    intent: "edit_policies",
    fields: {
      policy_id: "retencao",
      create: true,
    },
  },
  {
    says: "o agente catalog ta lento hoje",
    intent: null,
    fields: {},
  },
  {
    says: "o que acontece se eu apagar o billing-bot?",
    intent: null,
    fields: {},
  },
  {
    says: "mostra o manifesto do agente catalog",
    intent: null,
    fields: {},
  },
  {
    says: "quanto gastamos este mês?",
    intent: null,
    fields: {},
  },
  {
    says: "valeu!",
    intent: null,
    fields: {},
  },
  {
    says: "já geramos um ADR sobre isso na semana passada",
    intent: null,
    fields: {},
  },
  {
    says: "add agent log-reader from repo acme/log-reader",
    intent: "add_agent",
    fields: {
      agent_name: "log-reader",
      repository: "acme/log-reader",
    },
  },
  {
    says: "Please register a new agent called Invoice-Checker with capabilities parsing, validation and reporting",
    intent: "add_agent",
    fields: {
      agent_name: "invoice-checker",
      capabilities: ["parsing", "validation", "reporting"],
    },
  },
  {
    says: "could you onboard an agent named release-notes? repo is https://github.com/acme/release-notes",
    intent: "add_agent",
    fields: {
      agent_name: "release-notes",
      repository: "https://github.com/acme/release-notes",
    },
  },
  {
    says: "pls ad a new agent called pr-reviewer w/ tools github, sonarqube",
    intent: "add_agent",
    fields: {
      agent_name: "pr-reviewer",
      tools: ["github", "sonarqube"],
    },
  },
  {
    says: "I'd like to add an agent",
    intent: "add_agent",
    fields: {},
  },
  {
    says: 'create an agent named "Cost Explorer" with title "Cost explorer" and description "Explains the cloud bill"',
    intent: "add_agent",
    fields: {
      agent_name: "cost-explorer",
      title: "Cost explorer",
      description: "Explains the cloud bill",
    },
  },
  {
    says: 'new agent: ticket-router, transport stdio, command "python -m ticket_router --verbose"',
    intent: "add_agent",
    fields: {
      agent_name: "ticket-router",
      transport: "stdio",
      command: "python",
      args: ["-m", "ticket_router", "--verbose"],
    },
  },
  {
    says: "hook up agent sentry-triage at https://mcp.sentry-triage.dev/sse over sse",
    intent: "add_agent",
    fields: {
      agent_name: "sentry-triage",
      endpoint: "https://mcp.sentry-triage.dev/sse",
      transport: "sse",
    },
  },
  {
    says: "Set up a new agent called vector-search using model openai/gpt-4.1 and endpoint https://vs.acme.dev/mcp with streamable_http transport",
    intent: "add_agent",
    fields: {
      agent_name: "vector-search",
      model: {
        provider: "openai",
        name: "gpt-4.1",
      },
      endpoint: "https://vs.acme.dev/mcp",
      transport: "streamable_http",
    },
  },
  {
    says: "register agnet db-doctor, capabilities: explain, index-advice",
    intent: "add_agent",
    fields: {
      agent_name: "db-doctor",
      capabilities: ["explain", "index-advice"],
    },
  },
  {
    says: "from the repository acme/oncall-buddy, add an agent called oncall-buddy",
    intent: "add_agent",
    fields: {
      agent_name: "oncall-buddy",
      repository: "acme/oncall-buddy",
    },
  },
  {
    says: "Can you please plug in the agent translator with websocket transport, endpoint wss://translate.acme.io/socket?",
    intent: "add_agent",
    fields: {
      agent_name: "translator",
      transport: "websocket",
      endpoint: "wss://translate.acme.io/socket",
    },
  },
  {
    says: "we need a new agent named terraform-planner, tools terraform and tflint, model anthropic/claude-opus-4",
    intent: "add_agent",
    fields: {
      agent_name: "terraform-planner",
      tools: ["terraform", "tflint"],
      model: {
        provider: "anthropic",
        name: "claude-opus-4",
      },
    },
  },
  {
    says: "add an agent with the capabilities summarize and translate, name to follow",
    intent: "add_agent",
    fields: {
      capabilities: ["summarize", "translate"],
    },
  },
  {
    says: "set the monthly limit of spend-guard to $300",
    intent: "edit_policies",
    fields: {
      policy_id: "spend-guard",
      changes: {
        limits: {
          monthly_usd: 300,
        },
      },
    },
  },
  {
    says: "Please lower the daily budget in the budget policy to 20 USD",
    intent: "edit_policies",
    fields: {
      policy_id: "budget",
      changes: {
        limits: {
          daily_usd: 20,
        },
      },
    },
  },
  {
    says: "require 3 approvals in the approvals policy",
    intent: "edit_policies",
    fields: {
      policy_id: "approvals",
      changes: {
        default: {
          required: 3,
        },
      },
    },
  },
  {
    says: "change the approvals policy so approvals expire after 2d",
    intent: "edit_policies",
    fields: {
      policy_id: "approvals",
      changes: {
        default: {
          expires_after: "2d",
        },
      },
    },
  },
  {
    says: "set defaults.timeout_s of commands to 45",
    intent: "edit_policies",
    fields: {
      policy_id: "commands",
      changes: {
        defaults: {
          timeout_s: 45,
        },
      },
    },
  },
  {
    says: "cost policy: max tokens 8000, timeout 30s",
    intent: "edit_policies",
    fields: {
      policy_id: "cost",
      changes: {
        defaults: {
          max_tokens: 8000,
          timeout_s: 30,
        },
      },
    },
  },
  {
    says: "update the access policy",
    intent: "edit_policies",
    fields: {
      policy_id: "access",
    },
  },
  {
    says: "bump canary interval to 60 seconds and max error rate to 2%",
    intent: "edit_policies",
    fields: {
      policy_id: "canary",
      changes: {
        interval_s: 60,
        max_error_rate: 0.02,
      },
    },
  },
  {
    says: "can you make the max cost per call 0.05 dollars on the cost policy?",
    intent: "edit_policies",
    fields: {
      policy_id: "cost",
      changes: {
        defaults: {
          max_cost_usd: 0.05,
        },
      },
    },
  },
  {
    says: "chnage spend-guard montly limit to 1,000 usd",
    intent: "edit_policies",
    fields: {
      policy_id: "spend-guard",
      changes: {
        limits: {
          monthly_usd: 1000,
        },
      },
    },
  },
  {
    says: "self-approval on the approvals policy should always be allowed, please",
    intent: "edit_policies",
    fields: {
      policy_id: "approvals",
      changes: {
        default: {
          self_approval: "always",
        },
      },
    },
  },
  {
    says: "edit approvals: 1 required approval, expiry 12h, self approval only_approver",
    intent: "edit_policies",
    fields: {
      policy_id: "approvals",
      changes: {
        default: {
          required: 1,
          expires_after: "12h",
          self_approval: "only_approver",
        },
      },
    },
  },
  {
    says: "raise the daily limit to 40 dollars",
    intent: "edit_policies",
    fields: {
      changes: {
        limits: {
          daily_usd: 40,
        },
      },
    },
  },
  {
    says: "for canary use a max latency of 1500ms",
    intent: "edit_policies",
    fields: {
      policy_id: "canary",
      changes: {
        max_latency_ms: 1500,
      },
    },
  },
  {
    says: "write an ADR about the move to event sourcing",
    intent: "generate_artifact",
    fields: {
      artifact_type: "adr",
      parameters: {
        title: "move to event sourcing",
      },
    },
  },
  {
    says: 'generate a runbook titled "Database failover"',
    intent: "generate_artifact",
    fields: {
      artifact_type: "runbook",
      parameters: {
        title: "Database failover",
      },
    },
  },
  {
    says: "create readme for agent assistant",
    intent: "generate_artifact",
    fields: {
      artifact_type: "agent.readme",
      target_path: "agents/assistant/README.md",
    },
  },
  {
    says: "could you generate the agent manifest for billing-bot at deploy/billing-bot.yaml?",
    intent: "generate_artifact",
    fields: {
      artifact_type: "agent.manifest",
      target_path: "deploy/billing-bot.yaml",
    },
  },
  {
    says: "finops checklist pls, put it in docs/finops.md",
    intent: "generate_artifact",
    fields: {
      artifact_type: "finops.checklist",
      target_path: "docs/finops.md",
    },
  },
  {
    says: 'draft a new ADR called "Use gRPC internally" in docs/adr/0007-grpc.md',
    intent: "generate_artifact",
    fields: {
      artifact_type: "adr",
      target_path: "docs/adr/0007-grpc.md",
      parameters: {
        title: "Use gRPC internally",
      },
    },
  },
  {
    says: "I need a runbook about certificate rotation",
    intent: "generate_artifact",
    fields: {
      artifact_type: "runbook",
      parameters: {
        title: "certificate rotation",
      },
    },
  },
  {
    says: "genrate a manifest for the catalog agent",
    intent: "generate_artifact",
    fields: {
      artifact_type: "agent.manifest",
      target_path: "agents/catalog/agent.yaml",
    },
  },
  {
    says: "make me a finops checklist",
    intent: "generate_artifact",
    fields: {
      artifact_type: "finops.checklist",
    },
  },
  {
    says: "delete the agent assistant",
    intent: "remove_agent",
    fields: {
      agent_name: "assistant",
    },
  },
  {
    says: "pls remvoe catalog",
    intent: "remove_agent",
    fields: {
      agent_name: "catalog",
    },
  },
  {
    says: "Could you get rid of the billing-bot agent?",
    intent: "remove_agent",
    fields: {
      agent_name: "billing-bot",
    },
  },
  {
    says: "remove agent old-scraper from the console",
    intent: "remove_agent",
    fields: {
      agent_name: "old-scraper",
    },
  },
  {
    says: "I want to delete an agent",
    intent: "remove_agent",
    fields: {},
  },
  {
    says: "unregister the agent metrics-probe",
    intent: "remove_agent",
    fields: {
      agent_name: "metrics-probe",
    },
  },
  {
    says: "hello there",
    intent: null,
    fields: {},
  },
  {
    says: "what does the canary policy do?",
    intent: null,
    fields: {},
  },
  {
    says: "how do I remove an agent?",
    intent: null,
    fields: {},
  },
  {
    says: "we removed the catalog agent last week",
    intent: null,
    fields: {},
  },
  {
    says: "delete the spend-guard policy",
    intent: null,
    fields: {},
  },
  {
    says: "list all agents",
    intent: null,
    fields: {},
  },
  {
    says: "thanks, that worked",
    intent: null,
    fields: {},
  },
  {
    says: "who changed the approvals policy yesterday?",
    intent: null,
    fields: {},
  },
  {
    says: "don't delete billing-bot yet",
    intent: null,
    fields: {},
  },
  {
    says: "is there a runbook for database failover?",
    intent: null,
    fields: {},
  },
  {
    says: "restart billing-bot",
    intent: null,
    fields: {},
  },
  {
    says: "the monthly limit of spend-guard is too low imo",
    intent: null,
    fields: {},
  },
  {
    says: "should we add an agent for log analysis?",
    intent: null,
    fields: {},
  },
  {
    says: "show me the cost policy",
    intent: null,
    fields: {},
  },
  {
    says: "delete the runbook docs/runbooks/failover.md",
    intent: null,
    fields: {},
  },
  {
    says: "why was my agent rejected?",
    intent: null,
    fields: {},
  },
  {
    says: "I already added the agent log-reader",
    intent: null,
    fields: {},
  },
  {
    says: "get rid of billing-bot",
    intent: "remove_agent",
    fields: {
      agent_name: "billing-bot",
    },
  },
  {
    says: "Por favor, adicione o agente triagem-chamados do repositório https://github.com/acme/triagem-chamados com as capacidades classificar e resumir",
    intent: "add_agent",
    fields: {
      agent_name: "triagem-chamados",
      repository: "https://github.com/acme/triagem-chamados",
      capabilities: ["classificar", "resumir"],
    },
  },
  {
    says: "I'd like to bring a new agent on board",
    intent: "add_agent",
    fields: {},
  },
  {
    says: "como faço para gerar um runbook?",
    intent: null,
    fields: {},
  },
  {
    says: "is it possible to add an agent over websocket?",
    intent: null,
    fields: {},
  },
  {
    says: "generte a readme for agent catalog at docs/agents/catalog.md",
    intent: "generate_artifact",
    fields: {
      artifact_type: "agent.readme",
      target_path: "docs/agents/catalog.md",
    },
  },
  {
    says: "bom dia, tudo certo por aí?",
    intent: null,
    fields: {},
  },
  {
    says: "mostra os logs do assistant das ultimas 2 horas",
    intent: null,
    fields: {},
  },
  {
    says: "defina custo máximo por chamada em 0,40 USD na política cost",
    intent: "edit_policies",
    fields: {
      policy_id: "cost",
      changes: {
        defaults: {
          max_cost_usd: 0.4,
        },
      },
    },
  },
  {
    says: "raise the monthly budget in spend-guard to 750 dollars",
    intent: "edit_policies",
    fields: {
      policy_id: "spend-guard",
      changes: {
        limits: {
          monthly_usd: 750,
        },
      },
    },
  },
  {
    says: "pode tirar o catalog do ar de vez? exclui ele por favor",
    intent: "remove_agent",
    fields: {
      agent_name: "catalog",
    },
  },
  {
    says: "generate the manifest for the assistant agent",
    intent: "generate_artifact",
    fields: {
      artifact_type: "agent.manifest",
      target_path: "agents/assistant/agent.yaml",
    },
  },
  {
    says: "quantos agentes estão registrados no momento?",
    intent: null,
    fields: {},
  },
  {
    says: "runbook about the nightly backup restore, please create it",
    intent: "generate_artifact",
    fields: {
      artifact_type: "runbook",
      parameters: {
        title: "nightly backup restore",
      },
    },
  },
  {
    says: "deploy the checkout service to production",
    intent: null,
    fields: {},
  },
  {
    says: "acho que 3 aprovações é muita coisa",
    intent: null,
    fields: {},
  },
  {
    says: "me gera o readme do agente billing-bot",
    intent: "generate_artifact",
    fields: {
      artifact_type: "agent.readme",
      target_path: "agents/billing-bot/README.md",
    },
  },
  {
    says: "What happens if I remove the assistant agent?",
    intent: null,
    fields: {},
  },
  {
    says: "Você poderia exigir 3 aprovações na política approvals, por gentileza?",
    intent: "edit_policies",
    fields: {
      policy_id: "approvals",
      changes: {
        default: {
          required: 3,
        },
      },
    },
  },
  {
    says: "maximo de tokens 8000 na politica cost",
    intent: "edit_policies",
    fields: {
      policy_id: "cost",
      changes: {
        defaults: {
          max_tokens: 8000,
        },
      },
    },
  },
  {
    says: "preciso de um checklist de finops, salva em docs/finops/outubro.md",
    intent: "generate_artifact",
    fields: {
      artifact_type: "finops.checklist",
      target_path: "docs/finops/outubro.md",
    },
  },
  {
    says: "abaixa o limite diário pra 35 dólares",
    intent: "edit_policies",
    fields: {
      changes: {
        limits: {
          daily_usd: 35,
        },
      },
    },
  },
  {
    says: "reinicia o cluster de staging",
    intent: null,
    fields: {},
  },
  {
    says: "approvals policy: require 4 approvals and let them expire after 2 days",
    intent: "edit_policies",
    fields: {
      policy_id: "approvals",
      changes: {
        default: {
          required: 4,
          expires_after: "2d",
        },
      },
    },
  },
  {
    says: "cadastra um agente novo chamado Vigia de Logs, endpoint https://vigia.acme.io/mcp, transporte sse",
    intent: "add_agent",
    fields: {
      agent_name: "vigia-de-logs",
      endpoint: "https://vigia.acme.io/mcp",
      transport: "sse",
    },
  },
  {
    says: "onboard https://gitlab.com/ops/pager-helper as pager-helper with tools pagerduty, slack and jira",
    intent: "add_agent",
    fields: {
      agent_name: "pager-helper",
      repository: "https://gitlab.com/ops/pager-helper",
      tools: ["pagerduty", "slack", "jira"],
    },
  },
  {
    says: "From the repository github.com/acme/k8s-janitor, set up an agent named K8s Janitor",
    intent: "add_agent",
    fields: {
      agent_name: "k8s-janitor",
      repository: "github.com/acme/k8s-janitor",
    },
  },
  {
    says: "produza o manifesto do agente catalog",
    intent: "generate_artifact",
    fields: {
      artifact_type: "agent.manifest",
      target_path: "agents/catalog/agent.yaml",
    },
  },
  {
    says: "na canary, aumenta a latência máxima para 1500 ms e usa 8 sondas",
    intent: "edit_policies",
    fields: {
      policy_id: "canary",
      changes: {
        max_latency_ms: 1500,
        probes: 8,
      },
    },
  },
  {
    says: 'regsiter an agent called drift-watch titled "Drift Watcher" with capabilties diff and alert',
    intent: "add_agent",
    fields: {
      agent_name: "drift-watch",
      title: "Drift Watcher",
      capabilities: ["diff", "alert"],
    },
  },
  {
    says: "remova o agente billing-bot",
    intent: "remove_agent",
    fields: {
      agent_name: "billing-bot",
    },
  },
  {
    says: "the canary failed again with a 7% error rate",
    intent: null,
    fields: {},
  },
  {
    says: "who approved the last edit to the access policy?",
    intent: null,
    fields: {},
  },
  {
    says: "unregsiter catalog",
    intent: "remove_agent",
    fields: {
      agent_name: "catalog",
    },
  },
  {
    says: "new agent: db-doctor; repo git@github.com:acme/db-doctor.git; capabilities: explain-query, index-advice; transport streamable_http",
    intent: "add_agent",
    fields: {
      agent_name: "db-doctor",
      repository: "git@github.com:acme/db-doctor.git",
      capabilities: ["explain-query", "index-advice"],
      transport: "streamable_http",
    },
  },
  {
    says: "list all policies",
    intent: null,
    fields: {},
  },
  {
    says: "Someone already generated the readme for billing-bot.",
    intent: null,
    fields: {},
  },
  {
    says: "spend-guard should have a daily limit of 40 USD and a monthly limit of 900 USD, please update it",
    intent: "edit_policies",
    fields: {
      policy_id: "spend-guard",
      changes: {
        limits: {
          daily_usd: 40,
          monthly_usd: 900,
        },
      },
    },
  },
  {
    says: "o timeout da política commands foi alterado para 60 segundos na sexta",
    intent: null,
    fields: {},
  },
  {
    says: "never mind, forget the new agent",
    intent: null,
    fields: {},
  },
  {
    says: "deleta um agente pra mim",
    intent: "remove_agent",
    fields: {},
  },
  {
    says: 'Gere um ADR com o título "Adotar OpenTelemetry" em docs/adr/0012-otel.md',
    intent: "generate_artifact",
    fields: {
      artifact_type: "adr",
      target_path: "docs/adr/0012-otel.md",
      parameters: {
        title: "Adotar OpenTelemetry",
      },
    },
  },
  {
    says: "thanks, that's all for today",
    intent: null,
    fields: {},
  },
  {
    says: "gimme a finops checklist",
    intent: "generate_artifact",
    fields: {
      artifact_type: "finops.checklist",
    },
  },
  {
    says: "quero conectar o agente previsao-demanda por websocket em wss://demanda.acme.io/ws",
    intent: "add_agent",
    fields: {
      agent_name: "previsao-demanda",
      transport: "websocket",
      endpoint: "wss://demanda.acme.io/ws",
    },
  },
  {
    says: "We no longer need agent price-scraper, decommission it",
    intent: "remove_agent",
    fields: {
      agent_name: "price-scraper",
    },
  },
  {
    says: "change defaults.retry_count of commands to 4",
    intent: "edit_policies",
    fields: {
      policy_id: "commands",
      changes: {
        defaults: {
          retry_count: 4,
        },
      },
    },
  },
  {
    says: "quero desativar e apagar o agente sentinela-noturno",
    intent: "remove_agent",
    fields: {
      agent_name: "sentinela-noturno",
    },
  },
  {
    says: "draft an ADR about moving to event sourcing",
    intent: "generate_artifact",
    fields: {
      artifact_type: "adr",
      parameters: {
        title: "moving to event sourcing",
      },
    },
  },
  {
    says: "lower the timeuot to 20 seconds on the commands polcy",
    intent: "edit_policies",
    fields: {
      policy_id: "commands",
      changes: {
        defaults: {
          timeout_s: 20,
        },
      },
    },
  },
  {
    says: 'Please write a runbook titled "Redis failover" to ops/runbooks/redis-failover.md',
    intent: "generate_artifact",
    fields: {
      artifact_type: "runbook",
      target_path: "ops/runbooks/redis-failover.md",
      parameters: {
        title: "Redis failover",
      },
    },
  },
  {
    says: "ainda nao mexa na politica approvals, estou so olhando",
    intent: null,
    fields: {},
  },
  {
    says: "I want to tweak the network policy",
    intent: "edit_policies",
    fields: {
      policy_id: "network",
    },
  },
  {
    says: 'add agent invoice-parser, stdio, command "python -m invoice_parser --port 8080"',
    intent: "add_agent",
    fields: {
      agent_name: "invoice-parser",
      transport: "stdio",
      command: "python",
      args: ["-m", "invoice_parser", "--port", "8080"],
    },
  },
  {
    says: "Cria uma política chamada horario-comercial do tipo access",
    intent: "edit_policies",
    fields: {
      policy_id: "horario-comercial",
      create: true,
      changes: {
        kind: "access",
      },
    },
  },
  {
    says: "we deleted agent price-scraper last week",
    intent: null,
    fields: {},
  },
  {
    says: "valeu, ficou ótimo o ADR",
    intent: null,
    fields: {},
  },
  {
    says: "pls cap the max cost per call at $0.25 in the cost policy",
    intent: "edit_policies",
    fields: {
      policy_id: "cost",
      changes: {
        defaults: {
          max_cost_usd: 0.25,
        },
      },
    },
  },
  {
    says: "adcionar agente conciliador, repo acme/conciliador",
    intent: "add_agent",
    fields: {
      agent_name: "conciliador",
      repository: "acme/conciliador",
    },
  },
  {
    says: "don't change the monthly budget yet",
    intent: null,
    fields: {},
  },
  {
    says: "Por que o billing-bot foi removido?",
    intent: null,
    fields: {},
  },
  {
    says: "Com o modelo openai/gpt-4o-mini, crie o agente tradutor com as ferramentas glossario e deepl",
    intent: "add_agent",
    fields: {
      agent_name: "tradutor",
      model: {
        provider: "openai",
        name: "gpt-4o-mini",
      },
      tools: ["glossario", "deepl"],
    },
  },
  {
    says: "ontem adicionamos o agente tradutor e deu tudo certo",
    intent: null,
    fields: {},
  },
  {
    says: "mude o limite mensal da política spend-guard para US$ 1.200",
    intent: "edit_policies",
    fields: {
      policy_id: "spend-guard",
      changes: {
        limits: {
          monthly_usd: 1200,
        },
      },
    },
  },
  {
    says: "canary policy: max error rate 2%, interval 30s",
    intent: "edit_policies",
    fields: {
      policy_id: "canary",
      changes: {
        max_error_rate: 0.02,
        interval_s: 30,
      },
    },
  },
  {
    says: "create a new policy called night-freeze of kind commands",
    intent: "edit_policies",
    fields: {
      policy_id: "night-freeze",
      create: true,
      changes: {
        kind: "commands",
      },
    },
  },
  {
    says: "proíba a autoaprovação na approvals",
    intent: "edit_policies",
    fields: {
      policy_id: "approvals",
      changes: {
        default: {
          self_approval: "never",
        },
      },
    },
  },
  {
    says: 'inclui aí o agente "Análise Crédito" com a descrição "Avalia propostas de crédito"',
    intent: "add_agent",
    fields: {
      agent_name: "analise-credito",
      description: "Avalia propostas de crédito",
    },
  },
  {
    says: "Qual é o limite mensal da spend-guard hoje?",
    intent: null,
    fields: {},
  },
  {
    says: "delete the assistant agent please",
    intent: "remove_agent",
    fields: {
      agent_name: "assistant",
    },
  },
  {
    says: 'registre o agente cobranca-zap, transporte stdio, comando "npx -y @acme/cobranca-zap"',
    intent: "add_agent",
    fields: {
      agent_name: "cobranca-zap",
      transport: "stdio",
      command: "npx",
      args: ["-y", "@acme/cobranca-zap"],
    },
  },
  {
    says: "hook up the agent geo-lookup at https://geo.acme.dev/mcp over streamable http",
    intent: "add_agent",
    fields: {
      agent_name: "geo-lookup",
      endpoint: "https://geo.acme.dev/mcp",
      transport: "streamable_http",
    },
  },
  {
    says: "altera o timeout padrao da politica commands pra 90 segundos",
    intent: "edit_policies",
    fields: {
      policy_id: "commands",
      changes: {
        defaults: {
          timeout_s: 90,
        },
      },
    },
  },
  {
    says: "which agents are using anthropic models?",
    intent: null,
    fields: {},
  },
  {
    says: "na politica approvals as aprovacoes devem expirar em 72h",
    intent: "edit_policies",
    fields: {
      policy_id: "approvals",
      changes: {
        default: {
          expires_after: "72h",
        },
      },
    },
  },
  {
    says: "bom dia! preciso registrar um agente novo",
    intent: "add_agent",
    fields: {},
  },
  {
    says: "set self approval to only_approver in the approvals policy",
    intent: "edit_policies",
    fields: {
      policy_id: "approvals",
      changes: {
        default: {
          self_approval: "only_approver",
        },
      },
    },
  },
  {
    says: "escreve um runbook sobre a rotação de segredos",
    intent: "generate_artifact",
    fields: {
      artifact_type: "runbook",
      parameters: {
        title: "rotação de segredos",
      },
    },
  },
  {
    says: "Could you please register a new agent called release-notes that uses model anthropic/claude-sonnet-4?",
    intent: "add_agent",
    fields: {
      agent_name: "release-notes",
      model: {
        provider: "anthropic",
        name: "claude-sonnet-4",
      },
    },
  },
];
