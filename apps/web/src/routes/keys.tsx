export { KeysPage as KeysRoute } from "../features/keys/keys-page.tsx";
