import { getRouteApi } from "@tanstack/react-router";
import { ChangePage } from "../features/changes/change-page.tsx";

const route = getRouteApi("/console/changes/$planId");

export function ChangeRoute() {
  const { planId } = route.useParams();
  const { tab = "diff" } = route.useSearch();
  const navigate = route.useNavigate();
  return (
    <ChangePage
      key={planId}
      planId={planId}
      tab={tab}
      onTab={(next) => void navigate({ search: { tab: next }, replace: true, resetScroll: false })}
    />
  );
}
