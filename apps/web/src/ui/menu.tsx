import type { LinkProps } from "@tanstack/react-router";
import { cloneElement, type ReactElement, type ReactNode, Suspense, useState } from "react";
import { lazily } from "./lazily.ts";

export type MenuEntry =
  | { kind: "text"; content: ReactNode }
  | { kind: "separator" }
  | {
      kind: "action";
      label: string;
      icon?: ReactNode;
      danger?: boolean;
      /** Why it cannot be chosen now. */
      blocked?: string | null;
      onSelect(): void;
    }
  | { kind: "link"; key: string; link: LinkProps; content: ReactNode }
  | {
      kind: "choice";
      label: string;
      value: string;
      options: readonly { value: string; label: string }[];
      onChange(value: string): void;
    };

export type MenuProps = { trigger: ReactElement<Record<string, unknown>>; entries: readonly MenuEntry[] };

const load = () => import("./menu-list.tsx");
const MenuList = lazily(async () => (await load()).MenuList);

/** A button that opens a list of actions, links or choices. The list is loaded with its first use. */
export function Menu({ trigger, entries }: MenuProps) {
  const [isWanted, setWanted] = useState(false);
  const closed = cloneElement(trigger, {
    "aria-haspopup": "menu",
    "aria-expanded": false,
    onClick: () => setWanted(true),
    onPointerEnter: () => void load(),
    onFocus: () => void load(),
  });
  if (!isWanted) return closed;
  return (
    <Suspense fallback={closed}>
      <MenuList trigger={trigger} entries={entries} />
    </Suspense>
  );
}
