export { AccessPage as AccessRoute } from "../features/access/access-page.tsx";
