import { getRouteApi } from "@tanstack/react-router";
import { ServerPage } from "../features/servers/server-page.tsx";

const route = getRouteApi("/console/servers/$serverId");

export function ServerRoute() {
  const { serverId } = route.useParams();
  const { tab = "tools" } = route.useSearch();
  const navigate = route.useNavigate();
  return (
    <ServerPage
      key={serverId}
      serverId={serverId}
      tab={tab}
      onTab={(next) => void navigate({ search: { tab: next }, replace: true, resetScroll: false })}
    />
  );
}
