import { hasHidden, showHidden } from "@ciclo/contract";
import { plural } from "@lingui/core/macro";
import { useLingui } from "@lingui/react/macro";
import { ChevronRight } from "lucide-react";
import { useDeferredValue, useMemo, useState } from "react";
import { Diff as BaseDiff, type FileData, Hunk, type HunkData, parseDiff } from "react-diff-view";
import { cx } from "./cx.ts";
import { Note } from "./states.tsx";

/** Files with more changed lines than this are shown when asked for. */
const openLines = 400;
/** Lines that are laid out together, and how high one is, in pixels, before it is. */
const partLines = 400;
const lineHeight = 20;

type File = { path: string; added: number; removed: number; lines: number; data: FileData };

/** A patch as people review it: file by file, with characters that would deceive made visible. */
export function DiffView({ patch }: { patch: string }) {
  const { t } = useLingui();
  const shown = useDeferredValue(patch);
  const files = useMemo(() => parsePatch(shown), [shown]);
  if (files.length === 0) return <p className="text-muted">{t`No file is changed.`}</p>;
  return (
    <div className="flex flex-col gap-3">
      {hasHidden(shown) ? (
        <Note tone="warn">
          {t`This change holds invisible or direction-changing characters. They are shown as ‹U+…›; read those lines with care.`}
        </Note>
      ) : null}
      {files.map((file) => (
        <FileDiff key={file.path} file={file} />
      ))}
    </div>
  );
}

function parsePatch(patch: string): File[] {
  if (patch.trim() === "") return [];
  return parseDiff(showHidden(patch)).map((data) => {
    const changes = data.hunks.flatMap((hunk) => hunk.changes);
    return {
      path: data.type === "delete" ? data.oldPath : data.newPath,
      added: changes.filter((change) => change.type === "insert").length,
      removed: changes.filter((change) => change.type === "delete").length,
      lines: changes.length,
      data,
    };
  });
}

function FileDiff({ file }: { file: File }) {
  const { t } = useLingui();
  const [isOpen, setOpen] = useState(file.lines <= openLines);
  const { added, removed, lines } = file;
  const kind = {
    add: t`new file`,
    delete: t`deleted`,
    modify: t`changed`,
    rename: t`renamed`,
    copy: t`copied`,
  };
  return (
    <details
      open={isOpen}
      onToggle={(event) => setOpen(event.currentTarget.open)}
      className="overflow-hidden rounded-lg border border-line bg-surface"
    >
      <summary className="flex cursor-pointer list-none flex-wrap items-center gap-x-3 gap-y-1 bg-sunken px-3 py-2 focus-visible:-outline-offset-2">
        <ChevronRight size={15} aria-hidden className={isOpen ? "rotate-90" : undefined} />
        <code className="min-w-0 grow font-mono text-[0.93rem] font-semibold wrap-anywhere">{file.path}</code>
        <span className="text-[0.93rem] text-muted">{kind[file.data.type]}</span>
        <span className="font-mono text-[0.93rem]">
          {added === 0 ? null : (
            <Count
              label={t`${plural(added, { one: "# line added", other: "# lines added" })}`}
              className="text-ok"
            >{`+${added}`}</Count>
          )}{" "}
          {removed === 0 ? null : (
            <Count
              label={t`${plural(removed, { one: "# line removed", other: "# lines removed" })}`}
              className="text-bad"
            >{`−${removed}`}</Count>
          )}
        </span>
        {lines > openLines && !isOpen ? (
          <span className="w-full text-[0.93rem] text-muted">{t`Large file: open to read ${lines} lines`}</span>
        ) : null}
      </summary>
      {isOpen ? <Lines file={file} /> : null}
    </details>
  );
}

/** A number that is read out in words. */
const Count = ({ label, className, children }: { label: string; className: string; children: string }) => (
  <span className={className}>
    <span aria-hidden>{children}</span>
    <span className="sr-only">{label}</span>
  </span>
);

function Lines({ file: { data } }: { file: File }) {
  const parts = useMemo(() => data.hunks.flatMap(split), [data]);
  return parts.map((hunk) => (
    <div
      key={hunk.content}
      className={cx("border-t border-line", hunk.changes.length === partLines && "diff-part")}
      style={{ containIntrinsicSize: `auto ${hunk.changes.length * lineHeight}px` }}
    >
      <BaseDiff viewType="unified" diffType={data.type} hunks={[hunk]}>
        {(hunks) => hunks.map((each) => <Hunk key={each.content} hunk={each} />)}
      </BaseDiff>
    </div>
  ));
}

/** A long hunk in parts, so that only what is on the screen is laid out. */
function split(hunk: HunkData): HunkData[] {
  const parts: HunkData[] = [];
  for (let start = 0; start < hunk.changes.length; start += partLines) {
    const content = `${hunk.content} ${start}`;
    parts.push({ ...hunk, content, changes: hunk.changes.slice(start, start + partLines) });
  }
  return parts;
}
