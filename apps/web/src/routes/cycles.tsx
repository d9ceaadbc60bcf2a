import { getRouteApi } from "@tanstack/react-router";
import { CyclePage } from "../features/cycles/cycle-page.tsx";
import { CyclesPage } from "../features/cycles/cycles-page.tsx";

const listRoute = getRouteApi("/console/cycles");
const oneRoute = getRouteApi("/console/cycles/$cycleId");

export function CyclesRoute() {
  const navigate = listRoute.useNavigate();
  return (
    <CyclesPage
      filters={listRoute.useSearch()}
      onFilter={(search) => void navigate({ search, resetScroll: false })}
    />
  );
}

export function CycleRoute() {
  const { cycleId } = oneRoute.useParams();
  const { tab = "proof" } = oneRoute.useSearch();
  const navigate = oneRoute.useNavigate();
  return (
    <CyclePage
      id={cycleId}
      tab={tab}
      onTab={(next) => void navigate({ search: next === "proof" ? {} : { tab: next }, resetScroll: false })}
    />
  );
}
