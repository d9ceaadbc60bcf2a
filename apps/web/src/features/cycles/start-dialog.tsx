import { attachmentEndings, attachmentTypeOf, type CycleAttachment, ProblemError } from "@ciclo/contract";
import { useLingui } from "@lingui/react/macro";
import { useMutation, useQueryClient } from "@tanstack/react-query";
import { useNavigate } from "@tanstack/react-router";
import { useState } from "react";
import { call } from "../../api.ts";
import { useDraft } from "../../draft.ts";
import { Button } from "../../ui/button.tsx";
import { Dialog } from "../../ui/dialog.tsx";
import { FileField, TextArea, TextField } from "../../ui/field.tsx";
import { Problem } from "../../ui/states.tsx";
import { useSession } from "../session/session.tsx";

/** Asks what is wanted, and where. What was typed stays until it was sent. */
export function StartDialog({ onClose }: { onClose(): void }) {
  const { t } = useLingui();
  const { user } = useSession();
  const client = useQueryClient();
  const navigate = useNavigate();
  const [repository, setRepository] = useDraft(`cycle.repository.${user.id}`);
  const [branch, setBranch] = useDraft(`cycle.branch.${user.id}`);
  const [issue, setIssue] = useDraft(`cycle.issue.${user.id}`);
  const [files, setFiles] = useState<readonly File[]>([]);
  const said = { repository, branch, issue };
  const setSaid = { repository: setRepository, branch: setBranch, issue: setIssue };
  const start = useMutation({
    mutationFn: async () =>
      call("startCycle", {
        body: {
          repository,
          issue,
          ...(branch.trim() === "" ? {} : { base_branch: branch.trim() }),
          ...(files.length === 0 ? {} : { attachments: await Promise.all(files.map(attached)) }),
        },
      }),
    async onSuccess({ id }) {
      setIssue("");
      onClose();
      await client.invalidateQueries({ queryKey: ["cycles"] });
      await navigate({ to: "/cycles/$cycleId", params: { cycleId: id } });
    },
  });
  const errors = start.error instanceof ProblemError ? (start.error.problem.errors ?? []) : [];
  const problemOf = (field: string) => errors.find(({ path }) => path.split(":", 1)[0] === field)?.message;
  const missing = useMissing(said, files);
  return (
    <Dialog
      open
      wide
      insistent={start.isPending}
      onOpenChange={(open) => open || onClose()}
      title={t`Start a cycle`}
      description={t`The issue is analysed and planned first. People agree to both before an agent writes anything.`}
      actions={
        <>
          <Button busy={start.isPending} onClick={onClose}>{t`Cancel`}</Button>
          <Button look="primary" busy={start.isPending} blocked={missing} onClick={() => start.mutate()}>
            {t`Start`}
          </Button>
        </>
      }
    >
      <Fields said={said} onSay={setSaid} problemOf={problemOf} />
      <Attachments
        files={files}
        onChange={(chosen) => {
          setFiles(chosen);
          start.reset();
        }}
        problems={problemsOf(errors, files)}
      />
      {start.isError && errors.length === 0 ? <Problem error={start.error} /> : null}
    </Dialog>
  );
}

/** What is to be done before the cycle can start. */
function useMissing(
  { repository, issue }: Record<"repository" | "issue", string>,
  files: readonly File[],
): string | null {
  const { t } = useLingui();
  if (repository.trim() === "" || issue.trim() === "") return t`Fill in repository and issue first`;
  return strangeIn(files).length > 0 ? t`Take out what cannot be attached first` : null;
}

/** What the server says of files, each by its name. */
const problemsOf = (errors: readonly { path: string; message: string }[], files: readonly File[]): string[] =>
  errors.flatMap(({ path, message }) => {
    const at = /^attachments(?:\.(\d+))?/.exec(path);
    if (at === null) return [];
    const name = at[1] === undefined ? undefined : files[Number(at[1])]?.name;
    return [name === undefined || message.startsWith(name) ? message : `${name}: ${message}`];
  });

const strangeIn = (files: readonly File[]): string[] =>
  files.filter(({ name }) => attachmentTypeOf(name) === null).map(({ name }) => name);

/** Files beside the issue. They are no draft: a browser gives them once. */
function Attachments({
  files,
  onChange,
  problems,
}: {
  files: readonly File[];
  onChange(files: readonly File[]): void;
  problems: readonly string[];
}) {
  const { t } = useLingui();
  const strange = strangeIn(files);
  const all = [...(strange.length === 0 ? [] : [t`Cannot be attached: ${strange.join(", ")}`]), ...problems];
  return (
    <FileField
      label={t`Attachments (optional)`}
      hint={t`Specifications and pictures for the analyst: text, Markdown, PDF, DOCX, PNG, JPEG, WebP, GIF.`}
      problem={all.length === 0 ? undefined : all.join(" ")}
      multiple
      accept={Object.keys(attachmentEndings).join(",")}
      onFiles={onChange}
    />
  );
}

/** A file as the API takes it. */
async function attached(file: File): Promise<CycleAttachment> {
  const type = attachmentTypeOf(file.name);
  if (type === null) throw new Error(file.name);
  const url = await new Promise<string>((resolve, reject) => {
    const reader = new FileReader();
    reader.addEventListener("load", () => resolve(typeof reader.result === "string" ? reader.result : ""));
    reader.addEventListener("error", () => reject(reader.error ?? new Error(file.name)));
    reader.readAsDataURL(file);
  });
  return { name: file.name, media_type: type, base64: url.slice(url.indexOf(",") + 1) };
}

type FieldName = "repository" | "branch" | "issue";

function Fields({
  said,
  onSay,
  problemOf,
}: {
  said: Record<FieldName, string>;
  onSay: Record<FieldName, (text: string) => void>;
  problemOf(field: string): string | undefined;
}) {
  const { t } = useLingui();
  return (
    <>
      <TextField
        label={t`Repository`}
        hint={t`A path on the console's machine, or an address that git clones. policies/cycles.yaml has to name it.`}
        value={said.repository}
        problem={problemOf("repository")}
        spellCheck={false}
        onChange={({ target }) => onSay.repository(target.value)}
      />
      <TextField
        label={t`Branch (optional)`}
        hint={t`The work begins there and comes back to it. Left out: the repository's own default.`}
        value={said.branch}
        problem={problemOf("base_branch")}
        spellCheck={false}
        onChange={({ target }) => onSay.branch(target.value)}
      />
      <TextArea
        label={t`Issue`}
        hint={t`What is wanted, in Markdown or plain text: what happens now, what should, how one sees it. Or the address of an issue on GitHub or GitLab.`}
        rows={8}
        maxLength={200_000}
        value={said.issue}
        problem={problemOf("issue")}
        onChange={({ target }) => onSay.issue(target.value)}
      />
    </>
  );
}
