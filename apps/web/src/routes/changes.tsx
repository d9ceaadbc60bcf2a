import { getRouteApi } from "@tanstack/react-router";
import { ChangesPage } from "../features/changes/changes-page.tsx";

const route = getRouteApi("/console/changes");

export function ChangesRoute() {
  const navigate = route.useNavigate();
  return (
    <ChangesPage
      filters={route.useSearch()}
      onFilter={(search) => void navigate({ search, resetScroll: false })}
    />
  );
}
