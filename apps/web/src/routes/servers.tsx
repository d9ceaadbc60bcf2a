export { ServersPage as ServersRoute } from "../features/servers/servers-page.tsx";
