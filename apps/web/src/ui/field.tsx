import { type ComponentProps, type ReactNode, useId } from "react";
import { cx } from "./cx.ts";

const controlClass =
  "w-full rounded-md border border-line-strong bg-surface px-2.5 text-text placeholder:text-muted disabled:bg-sunken disabled:text-muted aria-invalid:border-bad";

type Words = {
  label: string;
  /** What to write there. */
  hint?: ReactNode;
  /** What is wrong with it. */
  problem?: string | undefined;
};

/** What ties a control to its words. */
type Tie = { id: string; "aria-invalid": true | undefined; "aria-describedby": string | undefined };

/** Label, control, hint and problem, tied together for screen readers. */
function Labelled({
  label,
  hint,
  problem,
  hideLabel = false,
  children,
}: Words & { hideLabel?: boolean; children(tie: Tie): ReactNode }) {
  const id = useId();
  const told = [hint === undefined ? "" : `${id}-hint`, problem === undefined ? "" : `${id}-problem`];
  return (
    <div className="flex min-w-0 flex-col gap-1">
      <label htmlFor={id} className={hideLabel ? "sr-only" : "font-medium"}>
        {label}
      </label>
      {children({
        id,
        "aria-invalid": problem === undefined ? undefined : true,
        "aria-describedby": told.join(" ").trim() || undefined,
      })}
      {hint === undefined ? null : (
        <div id={`${id}-hint`} className="text-[0.93rem] text-muted">
          {hint}
        </div>
      )}
      {problem === undefined ? null : (
        <div id={`${id}-problem`} role="alert" className="text-[0.93rem] wrap-anywhere text-bad">
          {problem}
        </div>
      )}
    </div>
  );
}

export const TextField = ({ label, hint, problem, className, ...rest }: Words & ComponentProps<"input">) => (
  <Labelled label={label} hint={hint} problem={problem}>
    {(tie) => <input {...rest} {...tie} className={cx(controlClass, "h-9", className)} />}
  </Labelled>
);

/** Files of the reader's machine. `onFiles` gets those chosen last, which take the place of the ones before. */
export const FileField = ({
  label,
  hint,
  problem,
  onFiles,
  ...rest
}: Words & { onFiles(files: readonly File[]): void } & Pick<
    ComponentProps<"input">,
    "accept" | "multiple"
  >) => (
  <Labelled label={label} hint={hint} problem={problem}>
    {(tie) => (
      <input
        {...rest}
        {...tie}
        type="file"
        className={cx(controlClass, "py-1.5")}
        onChange={({ target }) => onFiles([...(target.files ?? [])])}
      />
    )}
  </Labelled>
);

export const TextArea = ({
  label,
  hint,
  problem,
  hideLabel = false,
  className,
  ...rest
}: Words & { hideLabel?: boolean } & ComponentProps<"textarea">) => (
  <Labelled label={label} hint={hint} problem={problem} hideLabel={hideLabel}>
    {(tie) => (
      <textarea
        rows={3}
        {...rest}
        {...tie}
        className={cx(controlClass, "block field-sizing-content max-h-80 min-h-9 py-2", className)}
      />
    )}
  </Labelled>
);

/** A credential: hidden as it is typed, and of as many lines as it has. Enter sends the form. */
export const SecretField = ({ className, ...rest }: Words & ComponentProps<"textarea">) => (
  <TextArea
    rows={1}
    autoComplete="off"
    spellCheck={false}
    {...rest}
    className={cx("[-webkit-text-security:disc]", className)}
    onKeyDown={(event) => {
      if (event.key !== "Enter" || event.shiftKey) return;
      event.preventDefault();
      event.currentTarget.form?.requestSubmit();
    }}
  />
);

export type Option = { value: string; label: string };

/** The platform's own select: works with every keyboard, screen reader and phone. */
export const SelectField = ({
  label,
  hint,
  problem,
  options,
  className,
  ...rest
}: Words & ComponentProps<"select"> & { options: readonly Option[] }) => (
  <Labelled label={label} hint={hint} problem={problem}>
    {(tie) => (
      <select {...rest} {...tie} className={cx(controlClass, "h-9", className)}>
        {options.map((option) => (
          <option key={option.value} value={option.value}>
            {option.label}
          </option>
        ))}
      </select>
    )}
  </Labelled>
);

export function Checkbox({
  label,
  hint,
  ...rest
}: { label: string; hint?: string } & ComponentProps<"input">) {
  const id = useId();
  return (
    <div className="flex gap-2">
      <input
        {...rest}
        id={id}
        type="checkbox"
        aria-describedby={hint === undefined ? undefined : `${id}-hint`}
        className="mt-0.5 size-4.5 shrink-0 accent-accent"
      />
      <div>
        <label htmlFor={id} className="font-medium">
          {label}
        </label>
        {hint === undefined ? null : (
          <div id={`${id}-hint`} className="text-[0.93rem] text-muted">
            {hint}
          </div>
        )}
      </div>
    </div>
  );
}
