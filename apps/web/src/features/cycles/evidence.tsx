import type { CycleDetail } from "@ciclo/contract";
import { useLingui } from "@lingui/react/macro";
import { useQuery } from "@tanstack/react-query";
import { Suspense, useState } from "react";
import { Badge } from "../../ui/badge.tsx";
import { Button } from "../../ui/button.tsx";
import { Code } from "../../ui/code.tsx";
import { lazily } from "../../ui/lazily.ts";
import { Empty, Note, Problem, Skeleton } from "../../ui/states.tsx";
import { Time } from "../../ui/time.tsx";
import { textIn } from "./base64.ts";
import { cycleDiffQuery, evidenceQuery } from "./queries.ts";

const Player = lazily(async () => (await import("./recording.tsx")).Player);
const DiffView = lazily(async () => (await import("../../ui/diff.tsx")).DiffView);

/** What the work changes. */
export function Diff({ cycle: { id, head_commit: head } }: { cycle: CycleDetail }) {
  const { t } = useLingui();
  const { data, error, isPending } = useQuery({ ...cycleDiffQuery(id, head ?? ""), enabled: head !== null });
  if (head === null) return <Empty title={t`Nothing is written yet`} />;
  if (isPending) return <Skeleton rows={3} height={60} />;
  if (data === undefined) return <Problem error={error} />;
  return (
    <Suspense fallback={<Skeleton rows={3} height={60} />}>
      {data.is_cut ? <Note tone="warn">{t`The diff is long: this is its beginning.`}</Note> : null}
      <DiffView patch={data.patch} />
    </Suspense>
  );
}

/** What gates and agent printed, by name. */
export function Logs({ cycle }: { cycle: CycleDetail }) {
  const { t } = useLingui();
  const [shown, setShown] = useState<string | null>(null);
  // A recording holds what its log does, with the times: it is played where the gate stands.
  const logs = logsOf(cycle);
  if (logs.length === 0) return <Empty title={t`No log yet`} />;
  return (
    <ul className="flex flex-col gap-2">
      {logs.map(({ name, sha256, created_at: at, removed_at: removedAt }) => (
        <li key={`${name} ${sha256}`} className="flex flex-col gap-2">
          <div className="flex flex-wrap items-center gap-2">
            {removedAt === null ? (
              <Button
                small
                aria-expanded={shown === sha256}
                onClick={() => setShown(shown === sha256 ? null : sha256)}
              >
                {name} · {sha256.slice(0, 12)}
              </Button>
            ) : (
              <span>
                {name} · {sha256.slice(0, 12)}
              </span>
            )}
            <Time at={at} />
            {removedAt === null ? null : (
              <Badge tone="neutral" icon="idle">{t`deleted by the retention policy`}</Badge>
            )}
          </div>
          {shown === sha256 ? <Log id={cycle.id} sha256={sha256} name={name} /> : null}
        </li>
      ))}
    </ul>
  );
}

const castType = "application/x-asciicast";

/** What is read; recordings are played, and captures shown where their tests are. */
export const logsOf = ({ evidence }: CycleDetail): CycleDetail["evidence"] =>
  evidence.filter(({ media_type: type, name }) => type !== castType && !name.startsWith("captures/"));

/** A button that plays a recording below it. */
export function Recording({ id, sha256, name }: { id: string; sha256: string; name: string }) {
  const { t } = useLingui();
  const [isPlaying, setPlaying] = useState(false);
  return (
    <>
      <Button small aria-expanded={isPlaying} onClick={() => setPlaying(!isPlaying)}>
        {isPlaying ? t`Close the recording` : t`Play the recording`}
        <span className="sr-only">{`: ${name}`}</span>
      </Button>
      {isPlaying ? (
        <div className="w-full">
          <Played id={id} sha256={sha256} name={name} />
        </div>
      ) : null}
    </>
  );
}

function Played({ id, sha256, name }: { id: string; sha256: string; name: string }) {
  const { data, error, isPending } = useQuery(evidenceQuery(id, sha256));
  if (isPending) return <Skeleton rows={2} height={80} />;
  if (data === undefined) return <Problem error={error} />;
  return (
    <Suspense fallback={<Skeleton rows={2} height={80} />}>
      <Player cast={textIn(data.base64)} label={name} />
    </Suspense>
  );
}

function Log({ id, sha256, name }: { id: string; sha256: string; name: string }) {
  const { t } = useLingui();
  const { data, error, isPending } = useQuery(evidenceQuery(id, sha256));
  if (isPending) return <Skeleton rows={2} height={40} />;
  if (data === undefined) return <Problem error={error} />;
  const { media_type: type, base64 } = data;
  if (/^(?:image\/|application\/(?:pdf|vnd))/.test(type)) {
    const file = name.slice(name.lastIndexOf("/") + 1);
    return (
      <p>
        <a href={`data:application/octet-stream;base64,${base64}`} download={file}>{t`Save ${file}`}</a>
      </p>
    );
  }
  return <Code label={name}>{textIn(data.base64)}</Code>;
}
