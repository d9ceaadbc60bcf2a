import { type Role, roles } from "@ciclo/contract";
import { useLingui } from "@lingui/react/macro";
import { Checkbox } from "../../ui/field.tsx";
import { roleHints } from "./labels.ts";

export function RoleChoice({
  chosen,
  onChange,
}: {
  chosen: readonly Role[];
  onChange(roles: readonly Role[]): void;
}) {
  const { t, i18n } = useLingui();
  return (
    <fieldset className="flex flex-col gap-3">
      <legend className="mb-2 font-medium">{t`Roles`}</legend>
      {roles.map((role) => (
        <Checkbox
          key={role}
          label={role}
          hint={i18n._(roleHints[role])}
          checked={chosen.includes(role)}
          onChange={(event) =>
            onChange(event.target.checked ? [...chosen, role] : chosen.filter((each) => each !== role))
          }
        />
      ))}
    </fieldset>
  );
}
