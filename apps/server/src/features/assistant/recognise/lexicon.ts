import { Memo } from "../../../lib/memo.ts";
import { typos } from "./tokens.ts";

/** The words that the recogniser knows, folded, in both languages. */

const list = (words: string): string[] => words.trim().split(/\s+/);

/** What a word can be. One word may be several things. */
export type Sense =
  | "add"
  | "remove"
  | "edit"
  | "generate"
  | "accept"
  | "told"
  | "agent"
  | "server"
  | "policy"
  | "limit"
  | "adr"
  | "runbook"
  | "readme"
  | "manifest"
  | "checklist"
  | "repository"
  | "capabilities"
  | "tools"
  | "endpoint"
  | "transport"
  | "command"
  | "arguments"
  | "model"
  | "title"
  | "description";

const senses: Record<Sense, string[]> = {
  add: list(
    `add ad adds adding create onboard register include introduce integrate integre integra integrar adicione adiciona adicionar adicionem inclua inclui
     incluir cadastre cadastra cadastrar crie cria criar registre registra registrar acrescente acrescentar insira inserir
     bota bote botar conecte conecta conectar connect install instale instalar`,
  ),
  remove: list(
    `remove delete drop uninstall erase remova remover exclua exclui excluir apague apaga apagar delete deletar deleta
     retire retira retirar elimine eliminar tire tira tirar unregister descadastre descadastrar discard descarte decommission desative desativar`,
  ),
  edit: list(
    `change set raise lower increase decrease reduce update edit adjust modify bump cut put make switch altere altera
     alterar mude muda mudar aumente aumenta aumentar reduza reduz reduzir diminua diminuir baixe baixar defina define
     definir ajuste ajusta ajustar atualize atualiza atualizar edite edita editar suba sobe subir eleve elevar
     coloque colocar ponha troque trocar passe abaixa abaixe abaixar tweak cap dobre dobrar proiba proibir forbid permita permitir
     require exija exige exigir use usa usar configure configura configurar`,
  ),
  generate: list(
    `generate write draft produce prepare compose gere gera gerar escreva escrever redija redigir produza produzir
     prepare preparar monte montar elabore elaborar faca fazer make build`,
  ),
  accept: list("accept aceite aceita aceitar"),
  // Words close to a request that tell or ask of one made; known, so that they are not taken for a slip.
  told: list(
    `added removed changed raised created deleted generated updated increased adicionei adicionou adicionado
     adicionamos adicionada removi removeu removido removida alterei alterou alterado mudei mudou mudado aumentei
     aumentou criei criou criado criada gerei gerou gerado excluiu excluido apagou apagado reduziu definiu definido
     defined setting sets changes changing adiciono removo altero mudo crio gero aumento removes creates
     limited limita limitado modelos modela agency agents agentes politicas policies limites limits`,
  ),
  agent: list("agent agente"),
  server: list("server servidor servidores mcp"),
  policy: list("policy politica"),
  limit: list("limit limite budget orcamento teto cap ceiling"),
  adr: list("adr adrs"),
  runbook: list("runbook runbooks"),
  readme: list("readme leiame"),
  manifest: list("manifest manifesto"),
  checklist: list("checklist finops"),
  repository: list("repository repo repositorio"),
  capabilities: list("capabilities capability capacidades capacidade habilidades skills skill"),
  tools: list("tools tool ferramentas ferramenta"),
  endpoint: list("endpoint url"),
  transport: list("transport transporte"),
  command: list("command comando"),
  arguments: list("args arguments argumentos"),
  model: list("model modelo"),
  title: list("title titled titulo intitulado intitulada"),
  description: list("description described descricao descrito descrita"),
};

const exact = new Map<string, Sense[]>();
for (const [sense, words] of Object.entries(senses) as [Sense, string[]][]) {
  for (const word of words) exact.set(word, [...(exact.get(word) ?? []), sense]);
}

/** Whether a folded word is one of those above, to the letter. */
export const isKeyword = (word: string): boolean => exact.has(word);

/** "Remova-o", "atualize-as". */
const enclitic = /-l?[oa]s?$/;

const known = [...exact.keys()];
const remembered = new Memo<string, readonly Sense[]>(5000);

/** What a folded word can be. A slip or two in a longer word is forgiven. */
export function sensesOf(word: string): readonly Sense[] {
  const found = exact.get(word) ?? exact.get(word.replace(enclitic, ""));
  if (found !== undefined) return found;
  if (word.length < 5 || word.length > 16 || !/^[a-z]+$/.test(word) || plain.has(word)) return [];
  return remembered.get(word, () => guess(word));
}

function guess(word: string): readonly Sense[] {
  let best: { distance: number; word: string } | null = null;
  for (const candidate of known) {
    const limit = candidate.length >= 8 ? 2 : 1;
    if (candidate.length < 5 || candidate[0] !== word[0]) continue;
    const distance = typos(word, candidate, limit);
    if (distance <= limit && (best === null || distance < best.distance))
      best = { distance, word: candidate };
  }
  return best === null ? [] : (exact.get(best.word) ?? []);
}

/** Ordinary words that look like a slip of one above. */
const plain = new Set(
  list(
    `model modem code create created grate later layer after water under order other others their there these those
     about above catalog reason region regime remote remoto gente frente mente sobre podem pedir poder mundo mesmo
     ponto conta antes depois muito muita todos todas cache chat planning billing agenda agendar unit limpo limpe
     critic crime ready leader reader budgets tool toll scene police polite political switch raised charge charges
     chance range orange sets seta geral grande cream cries ajuda passa passo`,
  ),
);

/** Small words that stand between the ones that matter. */
export const fillers = new Set(
  list(
    `a an the o os as um uma uns umas de do da dos das d of for para pro pra to called named chamado chamada nomeado
     nomeada nome name new novo nova is e sera seja ser be this that este esta esse essa meu minha my our nosso nossa
     with com : = please favor por se no na em in on`,
  ),
);
