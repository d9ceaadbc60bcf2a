import { plural } from "@lingui/core/macro";
import { useLingui } from "@lingui/react/macro";
import { useQuery } from "@tanstack/react-query";
import { Bell as BellIcon } from "lucide-react";
import { IconButton } from "../../ui/button.tsx";
import { Menu } from "../../ui/menu.tsx";
import { Time } from "../../ui/time.tsx";
import { inboxQuery, mineToDecide } from "../changes/queries.ts";

const shownItems = 10;

/** Approvals that wait for the person who looks, as they come. */
export function Bell() {
  const { t } = useLingui();
  const { data } = useQuery(inboxQuery);
  const items = mineToDecide(data?.items ?? []);
  const count = items.length;
  const label =
    count === 0
      ? t`Nothing waits for your decision`
      : t`${plural(count, { one: "# approval waits for you", other: "# approvals wait for you" })}`;
  return (
    <>
      <span role="status" className="sr-only">
        {count === 0 ? "" : label}
      </span>
      <Menu
        trigger={
          <IconButton label={label} className="relative">
            <BellIcon size={18} aria-hidden />
            {count === 0 ? null : (
              <span className="absolute top-0.5 right-0.5 grid h-4.5 min-w-4.5 place-items-center rounded-full bg-accent px-1 text-[0.78rem] font-semibold text-on-accent">
                {count > 99 ? "99+" : count}
              </span>
            )}
          </IconButton>
        }
        entries={[
          { kind: "text", content: <p className="font-semibold">{label}</p> },
          ...items.slice(0, shownItems).map((item) => ({
            kind: "link" as const,
            key: item.id,
            link: { to: "/changes/$planId", params: { planId: item.plan_id } } as const,
            content: (
              <>
                <span className="line-clamp-2 wrap-anywhere">{item.summary}</span>
                <span className="text-muted">
                  {item.requested_by} · {item.plan_id} · <Time at={item.created_at} />
                </span>
              </>
            ),
          })),
          { kind: "separator" },
          { kind: "link", key: "all", link: { to: "/changes" }, content: t`All changes` },
        ]}
      />
    </>
  );
}
