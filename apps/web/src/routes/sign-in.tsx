import { getRouteApi, useRouter } from "@tanstack/react-router";
import { SignIn } from "../features/session/sign-in.tsx";

const route = getRouteApi("/sign-in");

export function SignInRoute() {
  const { next = "/" } = route.useSearch();
  const router = useRouter();
  return <SignIn onSignedIn={() => router.history.push(next)} />;
}
