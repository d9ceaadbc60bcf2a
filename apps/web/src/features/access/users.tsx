import { roles, type User } from "@ciclo/contract";
import { Trans, useLingui } from "@lingui/react/macro";
import { MoreHorizontal } from "lucide-react";
import { useMemo, useState } from "react";
import { Badge } from "../../ui/badge.tsx";
import { IconButton } from "../../ui/button.tsx";
import { Menu } from "../../ui/menu.tsx";
import { type Column, Table } from "../../ui/table.tsx";
import { Time } from "../../ui/time.tsx";
import { EditRoles } from "./edit-roles.tsx";
import { ChangeUser, type UserAction } from "./change-user.tsx";

type Doing = { user: User; what: UserAction | "roles" };

/** All users, with what can be done to each. */
export function Users({ users, filter }: { users: readonly User[]; filter: string }) {
  const { t } = useLingui();
  const [doing, setDoing] = useState<Doing | null>(null);
  const columns = useColumns(setDoing);
  const close = (): void => setDoing(null);
  return (
    <>
      <Table label={t`Users`} columns={columns} rows={users} keyOf={({ id }) => id} filter={filter} />
      {doing === null ? null : doing.what === "roles" ? (
        <EditRoles user={doing.user} onClose={close} />
      ) : (
        <ChangeUser user={doing.user} action={doing.what} onClose={close} />
      )}
    </>
  );
}

function useColumns(act: (doing: Doing) => void): Column<User>[] {
  const { t } = useLingui();
  return useMemo(
    () => [
      {
        id: "name",
        header: t`User`,
        value: ({ name, email }) => `${name} ${email}`,
        cell: ({ name, email }) => (
          <>
            <div className="font-medium wrap-anywhere">{name}</div>
            <div className="wrap-anywhere text-muted">{email}</div>
          </>
        ),
      },
      {
        id: "roles",
        header: t`Roles`,
        value: (user) => user.roles.join(" "),
        cell: (user) => (
          <span className="flex flex-wrap gap-1">
            {user.roles.length === 0 ? <span className="text-muted">{t`none: may do nothing`}</span> : null}
            {roles
              .filter((role) => user.roles.includes(role))
              .map((role) => (
                <Badge key={role}>{role}</Badge>
              ))}
          </span>
        ),
      },
      {
        id: "state",
        header: t`Token`,
        cell: (user) => <TokenState user={user} />,
      },
      {
        id: "used",
        header: t`Last used`,
        className: "text-muted",
        value: ({ last_used_at }) => last_used_at ?? "",
        cell: ({ last_used_at }) => (last_used_at === null ? t`never` : <Time at={last_used_at} />),
      },
      {
        id: "actions",
        header: "",
        className: "w-12 max-sm:ml-auto",
        cell: (user) => <Actions user={user} act={(what) => act({ user, what })} />,
      },
    ],
    [t, act],
  );
}

const isPast = (at: string): boolean => Date.parse(at) < Date.now();

function TokenState({ user }: { user: User }) {
  const { t } = useLingui();
  if (user.disabled_at !== null) {
    return (
      <Badge tone="bad" icon="stopped">
        {t`Disabled`}
      </Badge>
    );
  }
  if (!user.has_token) return <Badge icon="idle">{t`No token`}</Badge>;
  if (user.token_expires_at === null) {
    return (
      <Badge tone="ok" icon="done">
        {t`Active`}
      </Badge>
    );
  }
  const isOver = isPast(user.token_expires_at);
  return (
    <span className="flex flex-wrap items-center gap-2">
      <Badge tone={isOver ? "bad" : "ok"} icon={isOver ? "stopped" : "done"}>
        {isOver ? t`Token expired` : t`Active`}
      </Badge>
      <span className="text-muted">
        <Trans>
          until <Time at={user.token_expires_at} exact />
        </Trans>
      </span>
    </span>
  );
}

function Actions({ user, act }: { user: User; act(what: Doing["what"]): void }) {
  const { t } = useLingui();
  const isDisabled = user.disabled_at !== null;
  return (
    <Menu
      trigger={
        <IconButton label={t`Actions for ${user.name}`}>
          <MoreHorizontal size={18} aria-hidden />
        </IconButton>
      }
      entries={[
        { kind: "action", label: t`Change roles…`, onSelect: () => act("roles") },
        {
          kind: "action",
          label: t`New token…`,
          blocked: isDisabled ? t`Enable the user first` : null,
          onSelect: () => act("rotate"),
        },
        {
          kind: "action",
          label: t`Revoke the token…`,
          danger: true,
          blocked: user.has_token ? null : t`There is no token`,
          onSelect: () => act("revoke"),
        },
        { kind: "separator" },
        isDisabled
          ? { kind: "action", label: t`Enable…`, onSelect: () => act("enable") }
          : { kind: "action", label: t`Disable…`, danger: true, onSelect: () => act("disable") },
      ]}
    />
  );
}
