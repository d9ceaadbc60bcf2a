import { Autocomplete } from "@base-ui/react/autocomplete";
import { Dialog } from "@base-ui/react/dialog";
import type { MessageDescriptor } from "@lingui/core";
import { msg } from "@lingui/core/macro";
import { useLingui } from "@lingui/react/macro";
import { keepPreviousData, queryOptions, useQuery } from "@tanstack/react-query";
import { useNavigate } from "@tanstack/react-router";
import {
  Bot,
  GitPullRequestArrow,
  type LucideIcon,
  Plus,
  ScrollText,
  Search,
  Server,
  Users,
} from "lucide-react";
import { useDeferredValue, useState } from "react";
import { call } from "../../api.ts";
import { configurationQuery } from "../home/queries.ts";
import { pages } from "./pages.ts";

type Entry = { id: string; label: string; hint?: string; icon: LucideIcon; go(): void };
type Group = { value: string; items: Entry[] };

const foundQuery = (search: string) =>
  queryOptions({
    queryKey: ["changes", "found", search],
    queryFn: () => call("listChanges", { query: { limit: 8, ...(search === "" ? {} : { search }) } }),
    placeholderData: keepPreviousData,
  });

const fold = (text: string): string => text.normalize("NFD").replace(/\p{M}/gu, "").toLowerCase();

/** One place to go anywhere from: pages, changes, servers, agents, actions. */
export function Palette({ onClose }: { onClose(): void }) {
  const { t } = useLingui();
  const [search, setSearch] = useState("");
  const groups = useGroups(useDeferredValue(search.trim()));
  return (
    <Dialog.Root open onOpenChange={(open) => open || onClose()}>
      <Dialog.Portal>
        <Dialog.Backdrop className="fixed inset-0 z-40 bg-black/45" />
        <Dialog.Viewport className="fixed inset-0 z-50 flex items-start justify-center p-4 pt-[10vh]">
          <Dialog.Popup
            aria-label={t`Search or go to…`}
            className="flex max-h-[70vh] w-full max-w-xl flex-col overflow-hidden rounded-xl border border-line bg-raised shadow-float outline-none"
          >
            <Autocomplete.Root
              open
              inline
              items={groups}
              filter={null}
              autoHighlight="always"
              keepHighlight
              value={search}
              onValueChange={setSearch}
              itemToStringValue={({ label }: Entry) => label}
            >
              <div className="flex items-center gap-2 border-b border-line px-4">
                <Search size={17} aria-hidden className="text-muted" />
                <Autocomplete.Input
                  aria-label={t`Search or go to…`}
                  placeholder={t`A page, change, agent, server or action`}
                  className="h-12 grow bg-transparent outline-none placeholder:text-muted"
                />
                <Dialog.Close className="sr-only">{t`Close`}</Dialog.Close>
              </div>
              <Autocomplete.Empty className="empty:hidden px-4 py-5 text-muted">
                {t`Nothing has this name.`}
              </Autocomplete.Empty>
              <Autocomplete.List className="overflow-y-auto p-2 empty:p-0">
                {(group: Group) => (
                  <Autocomplete.Group key={group.value} items={group.items}>
                    <Autocomplete.GroupLabel className="px-2 pt-2 pb-1 text-[0.88rem] text-muted">
                      {group.value}
                    </Autocomplete.GroupLabel>
                    <Autocomplete.Collection>
                      {(entry: Entry) => (
                        <Item
                          key={entry.id}
                          entry={entry}
                          onChoose={() => {
                            onClose();
                            entry.go();
                          }}
                        />
                      )}
                    </Autocomplete.Collection>
                  </Autocomplete.Group>
                )}
              </Autocomplete.List>
            </Autocomplete.Root>
          </Dialog.Popup>
        </Dialog.Viewport>
      </Dialog.Portal>
    </Dialog.Root>
  );
}

const Item = ({ entry, onChoose }: { entry: Entry; onChoose(): void }) => (
  <Autocomplete.Item
    value={entry}
    onClick={onChoose}
    className="flex min-h-9 cursor-default items-center gap-2.5 rounded-md px-2 select-none data-highlighted:bg-accent-soft"
  >
    <entry.icon size={16} aria-hidden className="shrink-0 text-muted" />
    <span className="truncate">{entry.label}</span>
    {entry.hint === undefined ? null : (
      <span className="ml-auto truncate text-[0.93rem] text-muted">{entry.hint}</span>
    )}
  </Autocomplete.Item>
);

const actions: readonly {
  label: MessageDescriptor;
  icon: LucideIcon;
  to: "/assistant" | "/access" | "/audit";
}[] = [
  { label: msg`Ask for a change`, icon: Plus, to: "/assistant" },
  { label: msg`Add a user`, icon: Users, to: "/access" },
  { label: msg`Verify the audit log`, icon: ScrollText, to: "/audit" },
];

function useGroups(search: string): Group[] {
  const { t, i18n } = useLingui();
  const navigate = useNavigate();
  const { data: changes } = useQuery(foundQuery(search));
  const { data: configuration } = useQuery(configurationQuery);
  const matches = ({ label, hint = "" }: Entry): boolean => fold(`${label} ${hint}`).includes(fold(search));
  const ask = (message: string): void => void navigate({ to: "/assistant", search: { say: message } });
  const agents = configuration?.agents ?? [];
  const servers = configuration?.servers ?? [];
  const all: Group[] = [
    {
      value: t`Pages`,
      items: pages
        .map(({ to, label, icon }) => ({
          id: to,
          label: i18n._(label),
          icon,
          go: () => void navigate({ to }),
        }))
        .filter(matches),
    },
    {
      value: t`Changes`,
      items: (changes?.items ?? [])
        .filter(({ kind }) => kind === "submission")
        .map((change) => ({
          id: change.record_id,
          label: change.summary,
          hint: change.plan_id,
          icon: GitPullRequestArrow,
          go: () => void navigate({ to: "/changes/$planId", params: { planId: change.plan_id } }),
        })),
    },
    {
      value: t`Agents`,
      items: agents
        .map(({ name, title }) => {
          const question = t`What does the agent ${name} do?`;
          return { id: `agent ${name}`, label: title, hint: name, icon: Bot, go: () => ask(question) };
        })
        .filter(matches)
        .slice(0, 8),
    },
    {
      value: t`Servers`,
      items: servers
        .map(({ id, title }) => ({
          id: `server ${id}`,
          label: title,
          hint: id,
          icon: Server,
          go: () => void navigate({ to: "/servers/$serverId", params: { serverId: id } }),
        }))
        .filter(matches)
        .slice(0, 8),
    },
    {
      value: t`Actions`,
      items: actions
        .map(({ label, icon, to }) => ({
          id: `do ${to}`,
          label: i18n._(label),
          icon,
          go: () => void navigate({ to }),
        }))
        .filter(matches),
    },
  ];
  return all.filter(({ items }) => items.length > 0);
}
