import { type ComponentProps, type ReactNode, useId } from "react";
import { cx } from "./cx.ts";

const controlClass =
  "w-full rounded-md border border-line-strong bg-surface px-2.5 text-text placeholder:text-muted disabled:bg-sunken disabled:text-muted aria-invalid:border-bad";

type Labelled = {
  label: string;
  /** What to write there. */
  hint?: ReactNode;
  /** What is wrong with it. */
  problem?: string | undefined;
  hideLabel?: boolean;
};

/** Label, control, hint and problem, tied together for screen readers. */
function Labelling({
  label,
  hint,
  problem,
  hideLabel,
  id,
  children,
}: Labelled & { id: string; children: ReactNode }) {
  return (
    <div className="flex min-w-0 flex-col gap-1">
      <label htmlFor={id} className={hideLabel === true ? "sr-only" : "font-medium"}>
        {label}
      </label>
      {children}
      {hint === undefined ? null : (
        <div id={`${id}-hint`} className="text-[0.93rem] text-muted">
          {hint}
        </div>
      )}
      {problem === undefined ? null : (
        <div id={`${id}-problem`} role="alert" className="text-[0.93rem] text-bad">
          {problem}
        </div>
      )}
    </div>
  );
}

const described = (id: string, { hint, problem }: Labelled) => ({
  "aria-invalid": problem === undefined ? undefined : true,
  "aria-describedby":
    [hint === undefined ? "" : `${id}-hint`, problem === undefined ? "" : `${id}-problem`].join(" ").trim() ||
    undefined,
});

export function TextField({
  label,
  hint,
  problem,
  hideLabel,
  className,
  ...rest
}: Labelled & ComponentProps<"input">) {
  const id = useId();
  const words = { label, hint, problem, ...(hideLabel === undefined ? {} : { hideLabel }) };
  return (
    <Labelling {...words} id={id}>
      <input {...rest} {...described(id, words)} id={id} className={cx(controlClass, "h-9", className)} />
    </Labelling>
  );
}

export function TextArea({
  label,
  hint,
  problem,
  hideLabel,
  className,
  ...rest
}: Labelled & ComponentProps<"textarea">) {
  const id = useId();
  const words = { label, hint, problem, ...(hideLabel === undefined ? {} : { hideLabel }) };
  return (
    <Labelling {...words} id={id}>
      <textarea
        rows={3}
        {...rest}
        {...described(id, words)}
        id={id}
        className={cx(controlClass, "block field-sizing-content max-h-80 min-h-9 py-2", className)}
      />
    </Labelling>
  );
}

export type Option = { value: string; label: string };

/** The platform's own select: works with every keyboard, screen reader and phone. */
export function SelectField({
  label,
  hint,
  problem,
  hideLabel,
  options,
  className,
  ...rest
}: Labelled & ComponentProps<"select"> & { options: readonly Option[] }) {
  const id = useId();
  const words = { label, hint, problem, ...(hideLabel === undefined ? {} : { hideLabel }) };
  return (
    <Labelling {...words} id={id}>
      <select {...rest} {...described(id, words)} id={id} className={cx(controlClass, "h-9", className)}>
        {options.map((option) => (
          <option key={option.value} value={option.value}>
            {option.label}
          </option>
        ))}
      </select>
    </Labelling>
  );
}

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
