import { permissions, type Permission, roles } from "@ciclo/contract";
import { useLingui } from "@lingui/react/macro";
import { useQuery } from "@tanstack/react-query";
import { Check, Minus, UserPlus } from "lucide-react";
import { useState } from "react";
import { Button } from "../../ui/button.tsx";
import { PageHeader, Panel } from "../../ui/page.tsx";
import { SearchField } from "../../ui/search-field.tsx";
import { Note, Problem, Skeleton } from "../../ui/states.tsx";
import { useBlocked } from "../session/session.tsx";
import { AddUser } from "./add-user.tsx";
import { permissionLabels, roleHints } from "./labels.ts";
import { usersQuery } from "./queries.ts";
import { RunTokens } from "./run-tokens.tsx";
import { Users } from "./users.tsx";

/** Who may do what. */
export function AccessPage() {
  const { t } = useLingui();
  const blocked = useBlocked()("manage_access");
  const [isAdding, setAdding] = useState(false);
  return (
    <>
      <PageHeader
        title={t`Access`}
        lead={t`Who may do what. A person may hold several roles; without any, they may do nothing.`}
        actions={
          <Button
            look="primary"
            blocked={blocked}
            icon={<UserPlus size={16} aria-hidden />}
            onClick={() => setAdding(true)}
          >
            {t`Add a user`}
          </Button>
        }
      />
      {blocked === null ? <UsersPanel /> : <Note>{t`Users are shown to those who manage them.`}</Note>}
      <RunTokens />
      <Matrix />
      {isAdding ? <AddUser onClose={() => setAdding(false)} /> : null}
    </>
  );
}

function UsersPanel() {
  const { t } = useLingui();
  const [filter, setFilter] = useState("");
  const { data, error, isPending, refetch } = useQuery(usersQuery);
  return (
    <Panel flush title={t`Users`}>
      <div className="border-b border-line p-4">
        <div className="sm:max-w-96">
          <SearchField
            label={t`Filter`}
            placeholder={t`Name, e-mail or role`}
            value={filter}
            onSearch={setFilter}
          />
        </div>
      </div>
      {isPending ? (
        <div className="p-4">
          <Skeleton rows={4} height={44} />
        </div>
      ) : null}
      {error === null ? null : (
        <div className="p-4">
          <Problem error={error} onRetry={() => void refetch()} />
        </div>
      )}
      {data === undefined ? null : <Users users={data.items} filter={filter} />}
    </Panel>
  );
}

/** Roles and permissions, as the contract has them. */
function Matrix() {
  const { t, i18n } = useLingui();
  const rows = Object.entries(permissions) as [Permission, readonly string[]][];
  return (
    <Panel flush title={t`Roles and permissions`}>
      <div className="overflow-x-auto">
        <table className="w-full border-collapse">
          <thead>
            <tr className="border-b border-line text-left">
              <th scope="col" className="px-4 py-2 font-medium text-muted">
                {t`Permission`}
              </th>
              {roles.map((role) => (
                <th
                  key={role}
                  scope="col"
                  className="px-2 py-2 text-center font-medium max-sm:px-1 max-sm:text-[0.88rem]"
                  title={i18n._(roleHints[role])}
                >
                  {role}
                </th>
              ))}
            </tr>
          </thead>
          <tbody>
            {rows.map(([permission, allowed]) => (
              <tr key={permission} className="border-b border-line last:border-b-0">
                <th scope="row" className="px-4 py-2 text-left font-normal">
                  {i18n._(permissionLabels[permission])}
                </th>
                {roles.map((role) => (
                  <td key={role} className="px-2 py-2 max-sm:px-1">
                    {allowed.includes(role) ? (
                      <Check size={17} role="img" aria-label={t`yes`} className="mx-auto text-ok" />
                    ) : (
                      <Minus size={15} role="img" aria-label={t`no`} className="mx-auto text-muted" />
                    )}
                  </td>
                ))}
              </tr>
            ))}
          </tbody>
        </table>
      </div>
    </Panel>
  );
}
