import type { ToolChange } from "@ciclo/contract";
import { msg, plural } from "@lingui/core/macro";
import { useLingui } from "@lingui/react/macro";
import { Badge } from "../../ui/badge.tsx";
import { Mono } from "../../ui/code.tsx";
import { Panel } from "../../ui/page.tsx";
import { Note } from "../../ui/states.tsx";

/** What models will be told of each tool, against what they were told before: what an approver accepts by approving. */
export function ToolChanges({ changes }: { changes: readonly ToolChange[] }) {
  const { t } = useLingui();
  return (
    <Panel
      title={t`${plural(changes.length, { one: "What models are told of # tool", other: "What models are told of # tools" })}`}
    >
      <ul className="flex flex-col gap-5">
        {changes.map((change) => (
          <li key={`${change.server}/${change.tool}`}>
            <One change={change} />
          </li>
        ))}
      </ul>
    </Panel>
  );
}

const looks = {
  added: { tone: "accent", icon: "waiting", label: msg`New` },
  changed: { tone: "warn", icon: "warning", label: msg`Changed` },
  removed: { tone: "neutral", icon: "failed", label: msg`Removed` },
} as const;

const fields = { title: msg`Title`, description: msg`Description` };

function One({ change }: { change: ToolChange }) {
  const { t, i18n } = useLingui();
  const { tone, icon, label } = looks[change.change];
  return (
    <article className="flex min-w-0 flex-col gap-2" aria-label={`${change.server} ${change.tool}`}>
      <h3 className="flex flex-wrap items-center gap-2">
        <Badge tone={tone} icon={icon}>
          {i18n._(label)}
        </Badge>
        <Mono>{`${change.server} / ${change.tool}`}</Mono>
      </h3>
      {change.is_known ? null : (
        <Note tone="warn">{t`Its definition is not known here any more: only that it differs can be told. Probe the server and plan again.`}</Note>
      )}
      {change.suspicions.length === 0 ? null : <Suspicions change={change} />}
      {change.texts.map(({ field, words }) => (
        <div key={field}>
          <h4 className="text-[0.93rem] text-muted">{i18n._(fields[field])}</h4>
          <p className="rounded-lg bg-sunken px-3 py-2 wrap-anywhere whitespace-pre-wrap">
            {placed(words).map(({ at, kind, text }) => (
              <Words key={at} kind={kind} text={text} />
            ))}
          </p>
        </div>
      ))}
      {change.places.length === 0 ? null : <Places change={change} />}
    </article>
  );
}

type Word = ToolChange["texts"][number]["words"][number];

/** Each with its place in both texts, which no other has. */
function placed(words: readonly Word[]): (Word & { at: number })[] {
  let at = 0;
  return words.map((word) => {
    at += word.text.length;
    return { ...word, at };
  });
}

function Suspicions({ change }: { change: ToolChange }) {
  const { t } = useLingui();
  return (
    <Note tone="warn">
      <p className="font-medium">{t`Read this as you would read code that a stranger sent you:`}</p>
      <ul className="list-disc pl-5">
        {change.suspicions.map(({ place, kind, said }) => (
          <li key={`${place} ${said}`} className="wrap-anywhere">
            {kind === "hidden"
              ? t`${place} holds a character that is not drawn: ${said}`
              : t`${place} tells its reader: “${said}”`}
          </li>
        ))}
      </ul>
    </Note>
  );
}

/** Characters that nothing is drawn for are named in their place. */
const drawn = (text: string): string =>
  text.replaceAll(
    /[\p{Default_Ignorable_Code_Point}\p{Cf}\p{Co}]|[^\P{Cc}\t\n\r]/gu,
    (character) => `⟦U+${(character.codePointAt(0) ?? 0).toString(16).toUpperCase().padStart(4, "0")}⟧`,
  );

function Words({ kind, text }: Word) {
  if (kind === "added") return <ins className="bg-ok-soft text-ok no-underline">{drawn(text)}</ins>;
  if (kind === "removed") return <del className="bg-bad-soft text-bad">{drawn(text)}</del>;
  return drawn(text);
}

function Places({ change }: { change: ToolChange }) {
  const { t } = useLingui();
  return (
    <details open={change.change === "changed"}>
      <summary className="cursor-pointer text-[0.93rem] text-muted">
        {t`${plural(change.places.length + change.more_places, { one: "# place of its definition", other: "# places of its definition" })}`}
      </summary>
      <ul className="flex flex-col gap-1 pt-1">
        {change.places.map(({ place, before, after }) => (
          <li key={place} className="min-w-0 wrap-anywhere">
            <Mono>{place}</Mono> {before === null ? null : <Words kind="removed" text={before} />}
            {before !== null && after !== null ? " → " : null}
            {after === null ? null : <Words kind="added" text={after} />}
          </li>
        ))}
        {change.more_places === 0 ? null : (
          <li className="text-muted">{t`and ${change.more_places} more: see the diff of the lock and the server's page`}</li>
        )}
      </ul>
    </details>
  );
}
