import type { CheckReport } from "@ciclo/contract";
import { useLingui } from "@lingui/react/macro";
import { useQuery } from "@tanstack/react-query";
import { useState } from "react";
import { Badge } from "../../ui/badge.tsx";
import { Button } from "../../ui/button.tsx";
import { Code, Mono } from "../../ui/code.tsx";
import { Problem, Skeleton } from "../../ui/states.tsx";
import { textIn } from "./base64.ts";
import { evidenceQuery } from "./queries.ts";

type Capture = CheckReport["captures"][number];

/** A button that shows pictures, videos and traces below it: what was there before the change first. */
export function Captures({ id, captures, of }: { id: string; captures: readonly Capture[]; of: string }) {
  const { t } = useLingui();
  const [isOpen, setOpen] = useState(false);
  if (captures.length === 0) return null;
  const isOfSeveral = new Set(captures.map(({ test }) => test)).size > 1;
  // One sort by the tests' names, stable, behind another by what is best compared.
  const ordered = captures
    .toSorted((a, b) => rank(a) - rank(b))
    .toSorted((a, b) => (a.test ?? "\uFFFF").localeCompare(b.test ?? "\uFFFF"));
  return (
    <>
      <Button small aria-expanded={isOpen} onClick={() => setOpen(!isOpen)}>
        {isOpen ? t`Hide how it looked` : t`Show how it looked`}
        <span className="sr-only">{`: ${of}`}</span>
      </Button>
      {isOpen ? (
        <div className="grid w-full gap-3 sm:grid-cols-2">
          {ordered.map((capture) => (
            <Captured
              key={`${capture.on} ${capture.sha256} ${capture.name}`}
              id={id}
              capture={capture}
              isNamed={isOfSeveral}
            />
          ))}
        </div>
      ) : null}
    </>
  );
}

/** Pictures before files; of the same kind, before the change and after it. */
const rank = ({ on, media_type: type }: Capture): number =>
  (/^(?:image|video)\//.test(type) ? 0 : 2) + (on === "red" ? 0 : 1);

function Captured({ id, capture, isNamed }: { id: string; capture: Capture; isNamed: boolean }) {
  const { t } = useLingui();
  const { data, error, isPending } = useQuery(evidenceQuery(id, capture.sha256));
  return (
    <figure className="flex min-w-0 flex-col gap-1">
      <figcaption className="flex min-w-0 flex-wrap items-center gap-2">
        {capture.on === "red" ? (
          <Badge tone="neutral" icon="idle">{t`before the change`}</Badge>
        ) : (
          <Badge tone="ok" icon="done">{t`after it`}</Badge>
        )}
        <Mono className="wrap-anywhere">{fileOf(capture)}</Mono>
        {isNamed && capture.test !== null ? <span className="wrap-anywhere">{capture.test}</span> : null}
      </figcaption>
      {isPending ? (
        <Skeleton rows={1} height={120} />
      ) : data === undefined ? (
        <Problem error={error} />
      ) : (
        <Contents capture={capture} base64={data.base64} />
      )}
    </figure>
  );
}

const fileOf = ({ name }: Capture): string => name.slice(name.lastIndexOf("/") + 1);

function Contents({ capture, base64 }: { capture: Capture; base64: string }) {
  const { t } = useLingui();
  const { media_type: type, test } = capture;
  const file = fileOf(capture);
  if (type === "text/plain") return <Code label={file}>{textIn(base64)}</Code>;
  const url = `data:${type};base64,${base64}`;
  const seen = "max-h-80 self-start rounded border border-line";
  return (
    <>
      {type.startsWith("image/") ? (
        <img src={url} alt={test === null ? file : t`${file}, as the test ${test} saw it`} className={seen} />
      ) : null}
      {type.startsWith("video/") ? (
        // oxlint-disable-next-line jsx-a11y/media-has-caption -- nobody wrote any: it is a recording of a screen
        <video src={url} controls aria-label={file} className={seen} />
      ) : null}
      <p>
        <a href={url} download={file}>{t`Save ${file}`}</a>
      </p>
      {type === "application/zip" ? (
        <p className="text-muted">
          {t`A trace shows each step of the test, with the page before and after it:`}{" "}
          <Mono>{`npx playwright show-trace ${file}`}</Mono>
        </p>
      ) : null}
    </>
  );
}
