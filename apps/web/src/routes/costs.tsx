import { getRouteApi } from "@tanstack/react-router";
import { CostsPage } from "../features/costs/costs-page.tsx";

const route = getRouteApi("/console/costs");

export function CostsRoute() {
  const navigate = route.useNavigate();
  return (
    <CostsPage
      search={route.useSearch()}
      onSearch={(search) => void navigate({ search, resetScroll: false })}
    />
  );
}
