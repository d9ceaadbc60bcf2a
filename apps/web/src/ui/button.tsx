import { Tooltip } from "@base-ui/react/tooltip";
import { Link, type LinkProps } from "@tanstack/react-router";
import { Loader2 } from "lucide-react";
import type { ComponentProps, ReactNode } from "react";
import { cx } from "./cx.ts";

type Look = "primary" | "plain" | "quiet" | "danger";

const looks: Record<Look, string> = {
  primary: "bg-accent text-on-accent border-transparent hover:bg-accent-hover",
  plain: "bg-surface text-text border-line-strong hover:bg-sunken",
  quiet: "bg-transparent text-text border-transparent hover:bg-sunken",
  danger: "bg-surface text-bad border-bad hover:bg-bad-soft",
};

export const buttonClass = (look: Look = "plain", small = false): string =>
  cx(
    "inline-flex items-center justify-center gap-1.5 rounded-md border font-medium whitespace-nowrap no-underline transition-colors duration-100",
    "hover:no-underline aria-disabled:cursor-not-allowed aria-disabled:opacity-55",
    small ? "min-h-7 px-2 text-[0.93rem]" : "min-h-9 px-3",
    looks[look],
  );

export type ButtonProps = Omit<ComponentProps<"button">, "disabled"> & {
  look?: Look;
  small?: boolean;
  busy?: boolean;
  /** Why it cannot be used now. It stays visible and focusable, and says so. */
  blocked?: string | null | undefined;
  icon?: ReactNode;
};

/** A button that is disabled with its reason rather than hidden. */
export function Button({
  look = "plain",
  small = false,
  busy = false,
  blocked,
  icon,
  children,
  className,
  onClick,
  type = "button",
  ...rest
}: ButtonProps) {
  const isBlocked = blocked !== undefined && blocked !== null;
  const button = (
    <button
      {...rest}
      type={isBlocked ? "button" : type}
      aria-disabled={isBlocked || busy || undefined}
      aria-busy={busy || undefined}
      onClick={isBlocked || busy ? (event) => event.preventDefault() : onClick}
      className={cx(buttonClass(look, small), className)}
    >
      {busy ? <Loader2 size={15} className="animate-spin" aria-hidden /> : icon}
      {children}
    </button>
  );
  // Always within a tip, so that the button that has focus stays the same one when it is blocked.
  return <Tip text={isBlocked ? blocked : null}>{button}</Tip>;
}

/** A link that looks like a button. */
export function ButtonLink({
  look,
  small,
  children,
  ...link
}: LinkProps & { look?: Look; small?: boolean; children: ReactNode }) {
  return (
    <Link {...link} className={buttonClass(look, small)}>
      {children}
    </Link>
  );
}

/** A square button that shows an icon alone; its name is read out and shown on hover. */
export function IconButton({
  label,
  children,
  className,
  ...rest
}: ComponentProps<"button"> & { label: string }) {
  return (
    <Tip text={label} describes={false}>
      <button
        type="button"
        {...rest}
        aria-label={label}
        className={cx(
          "inline-flex size-9 items-center justify-center rounded-md text-muted hover:bg-sunken hover:text-text",
          className,
        )}
      >
        {children}
      </button>
    </Tip>
  );
}

/** A few words beside what the pointer or focus is on, read out as its description. */
export function Tip({
  text,
  describes = true,
  children,
}: {
  /** Null for nothing to say now. */
  text: string | null;
  describes?: boolean;
  children: React.ReactElement<Record<string, unknown>>;
}) {
  return (
    <Tooltip.Root disabled={text === null}>
      <Tooltip.Trigger
        delay={300}
        render={children}
        {...(describes && text !== null ? { "aria-description": text } : {})}
      />
      <Tooltip.Portal>
        <Tooltip.Positioner sideOffset={6} className="z-60">
          <Tooltip.Popup className="max-w-72 rounded-md bg-text px-2 py-1 text-[0.9rem] text-surface shadow-float">
            {text}
          </Tooltip.Popup>
        </Tooltip.Positioner>
      </Tooltip.Portal>
    </Tooltip.Root>
  );
}
