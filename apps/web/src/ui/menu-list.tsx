import { Menu as Base } from "@base-ui/react/menu";
import { Link } from "@tanstack/react-router";
import { Check } from "lucide-react";
import { cx } from "./cx.ts";
import type { MenuEntry, MenuProps } from "./menu.tsx";

const itemClass =
  "flex min-h-8 cursor-default items-center gap-2 rounded-md px-2 outline-none select-none data-highlighted:bg-sunken data-disabled:text-muted";

/** The menu itself, open from the start: somebody asked for it. */
export function MenuList({ trigger, entries }: MenuProps) {
  return (
    <Base.Root modal={false} defaultOpen>
      <Base.Trigger render={trigger} />
      <Base.Portal>
        <Base.Positioner sideOffset={6} align="end" className="z-50">
          <Base.Popup className="min-w-48 rounded-lg border border-line bg-raised p-1 shadow-float outline-none">
            {entries.map((entry, index) => (
              <Entry key={keyOf(entry, index)} entry={entry} />
            ))}
          </Base.Popup>
        </Base.Positioner>
      </Base.Portal>
    </Base.Root>
  );
}

const keyOf = (entry: MenuEntry, index: number): string =>
  entry.kind === "link" ? entry.key : "label" in entry ? entry.label : `${entry.kind} ${index}`;

function Entry({ entry }: { entry: MenuEntry }) {
  switch (entry.kind) {
    case "text":
      return <div className="max-w-72 px-2 py-1.5">{entry.content}</div>;
    case "separator":
      return <Base.Separator className="my-1 h-px bg-line" />;
    case "action":
      return <Action {...entry} />;
    case "link":
      return (
        <Base.LinkItem
          closeOnClick
          render={<Link {...entry.link} />}
          className={cx(
            itemClass,
            "max-w-80 flex-col items-start justify-center gap-0 py-1 text-text hover:no-underline",
          )}
        >
          {entry.content}
        </Base.LinkItem>
      );
    case "choice":
      return <Choice {...entry} />;
  }
}

function Action({ label, icon, danger, blocked, onSelect }: MenuEntry & { kind: "action" }) {
  const isBlocked = blocked !== undefined && blocked !== null;
  return (
    <Base.Item
      disabled={isBlocked}
      onClick={onSelect}
      className={cx(itemClass, "flex-wrap py-1", danger === true && !isBlocked && "text-bad")}
    >
      {icon}
      {label}
      {isBlocked ? <span className="w-full text-[0.88rem]">{blocked}</span> : null}
    </Base.Item>
  );
}

function Choice({ label, value, options, onChange }: MenuEntry & { kind: "choice" }) {
  return (
    <Base.RadioGroup value={value} onValueChange={(next: string) => onChange(next)}>
      <Base.Group>
        <Base.GroupLabel className="px-2 pt-1.5 pb-0.5 text-[0.88rem] text-muted">{label}</Base.GroupLabel>
        {options.map((option) => (
          <Base.RadioItem key={option.value} value={option.value} closeOnClick className={itemClass}>
            <span className="w-4">
              <Base.RadioItemIndicator>
                <Check size={15} aria-hidden />
              </Base.RadioItemIndicator>
            </span>
            {option.label}
          </Base.RadioItem>
        ))}
      </Base.Group>
    </Base.RadioGroup>
  );
}
