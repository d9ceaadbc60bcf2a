import { getRouteApi, useNavigate } from "@tanstack/react-router";
import { AssistantPage } from "../features/assistant/assistant-page.tsx";

const assistant = getRouteApi("/console/assistant");
const thread = getRouteApi("/console/assistant/$threadId");

export function AssistantRoute() {
  const { say } = assistant.useSearch();
  const navigate = useNavigate();
  return (
    <AssistantPage
      threadId={null}
      say={say}
      onThread={(threadId) =>
        void navigate({ to: "/assistant/$threadId", params: { threadId }, replace: true })
      }
    />
  );
}

export function ThreadRoute() {
  const { threadId } = thread.useParams();
  return <AssistantPage threadId={threadId} say={undefined} onThread={() => {}} />;
}
