import { getRouteApi } from "@tanstack/react-router";
import { AuditPage } from "../features/audit/audit-page.tsx";

const route = getRouteApi("/console/audit");

export function AuditRoute() {
  const navigate = route.useNavigate();
  return (
    <AuditPage
      filters={route.useSearch()}
      onFilter={(search) => void navigate({ search, resetScroll: false })}
    />
  );
}
