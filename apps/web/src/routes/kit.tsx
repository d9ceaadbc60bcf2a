import { ProblemError } from "@ciclo/contract";
import { Inbox, Trash2 } from "lucide-react";
import { type ReactNode, useState } from "react";
import { NoAnswer } from "../problems.ts";
import { chooseTheme } from "../theme.ts";
import { Badge, type icons, type Tone } from "../ui/badge.tsx";
import { Button, IconButton, Tip } from "../ui/button.tsx";
import { Code, Commit, Copy, Mono } from "../ui/code.tsx";
import { Dialog } from "../ui/dialog.tsx";
import { DiffView } from "../ui/diff.tsx";
import { Checkbox, SelectField, TextArea, TextField } from "../ui/field.tsx";
import { Menu } from "../ui/menu.tsx";
import { Facts, PageHeader, Panel } from "../ui/page.tsx";
import { Empty, Note, Problem, Skeleton } from "../ui/states.tsx";
import { type Column, Table } from "../ui/table.tsx";
import { Tabs } from "../ui/tabs.tsx";
import { Time } from "../ui/time.tsx";
import { Timeline } from "../ui/timeline.tsx";
import { useToast } from "../ui/toast.tsx";

/** Every part of the kit in each of its states, to look at while changing it. English only; not in the bundle. */
export const KitRoute = () => (
  <main className="mx-auto flex max-w-5xl flex-col gap-5 p-6">
    <PageHeader
      title="Kit"
      lead="Every part in each of its states."
      actions={
        <>
          <Button onClick={() => chooseTheme("light")}>Light</Button>
          <Button onClick={() => chooseTheme("dark")}>Dark</Button>
        </>
      }
    />
    <Buttons />
    <Badges />
    <Fields />
    <Overlays />
    <States />
    <Texts />
    <Tables />
    <Panel title="Diff">
      <DiffView patch={patch} />
    </Panel>
  </main>
);

const Row = ({ children }: { children: ReactNode }) => (
  <div className="flex flex-wrap items-center gap-2">{children}</div>
);

function Buttons() {
  const looks = ["primary", "plain", "quiet", "danger"] as const;
  return (
    <Panel title="Button">
      <div className="flex flex-col gap-3">
        {looks.map((look) => (
          <Row key={look}>
            <Button look={look}>{look}</Button>
            <Button look={look} small>
              small
            </Button>
            <Button look={look} busy>
              busy
            </Button>
            <Button look={look} blocked="Requires the role: approver">
              blocked
            </Button>
            <Button look={look} icon={<Trash2 size={16} aria-hidden />}>
              with icon
            </Button>
          </Row>
        ))}
        <Row>
          <IconButton label="Inbox">
            <Inbox size={18} aria-hidden />
          </IconButton>
          <Tip text="A few words of help">
            <Button>with a tip</Button>
          </Tip>
        </Row>
      </div>
    </Panel>
  );
}

const states: readonly [Tone, keyof typeof icons, string][] = [
  ["ok", "done", "Applied"],
  ["warn", "waiting", "Awaiting approval"],
  ["bad", "failed", "Failed"],
  ["accent", "running", "In progress"],
  ["neutral", "undone", "Rolled back"],
];

const Badges = () => (
  <Panel title="Badge">
    <Row>
      {states.map(([tone, icon, word]) => (
        <Badge key={word} tone={tone} icon={icon}>
          {word}
        </Badge>
      ))}
    </Row>
  </Panel>
);

const Fields = () => (
  <Panel title="Field">
    <div className="grid gap-4 sm:grid-cols-2">
      <TextField label="Name" placeholder="Ana Souza" />
      <TextField label="Token" hint="At least 32 characters" problem="is too short" defaultValue="short" />
      <TextField label="Disabled" disabled defaultValue="not now" />
      <SelectField
        label="Status"
        options={[
          { value: "a", label: "Any" },
          { value: "b", label: "Completed" },
        ]}
      />
      <TextArea label="Reason" hint="Kept in the audit log." />
      <Checkbox label="approver" hint="Decides approvals and rolls back" defaultChecked />
    </div>
  </Panel>
);

function Overlays() {
  const [isOpen, setOpen] = useState(false);
  const toast = useToast();
  return (
    <Panel title="Dialog, menu, toast">
      <Row>
        <Button onClick={() => setOpen(true)}>Open a dialog</Button>
        <Menu
          trigger={<Button>Open a menu</Button>}
          entries={[
            { kind: "action", label: "Change roles…", onSelect: () => toast("Chosen") },
            { kind: "action", label: "New token…", blocked: "Enable the user first", onSelect: () => {} },
            { kind: "separator" },
            { kind: "action", label: "Disable…", danger: true, onSelect: () => {} },
          ]}
        />
        <Button onClick={() => toast("Saved", "Roles hold from the next request on.")}>Say something</Button>
      </Row>
      <Dialog
        open={isOpen}
        onOpenChange={setOpen}
        title="Disable Ana?"
        description="She loses her token at once."
        actions={<Button onClick={() => setOpen(false)}>Cancel</Button>}
      >
        <p>What she did stays in the audit log.</p>
      </Dialog>
    </Panel>
  );
}

const refusal = new ProblemError({
  type: "about:blank",
  title: "Unprocessable Content",
  status: 422,
  code: "patch_rejected",
  detail: "The patch cannot be taken: see the files",
  errors: [
    { path: "agents/fiscal/agent.yaml:3", message: "unknown field: colour" },
    { path: "policies/cost.yaml", message: "differs from the plan" },
  ],
});

const States = () => (
  <Panel title="Empty, error, note, skeleton">
    <div className="flex flex-col gap-3">
      <Empty title="No change yet" action={<Button>Ask for the first one</Button>}>
        You get a plan to read before anything is written.
      </Empty>
      <Problem error={refusal} onRetry={() => {}} />
      <Problem error={new NoAnswer("no answer came")} />
      <Note>Another approver is there, so somebody else must approve.</Note>
      <Note tone="warn">This was decided before your reason was sent.</Note>
      <Skeleton rows={2} />
    </div>
  </Panel>
);

const long = "add-agent-with-a-name-that-goes-on-and-on-".repeat(4);

function Texts() {
  const [tab, setTab] = useState("timeline");
  const at = new Date(Date.now() - 3_600_000).toISOString();
  return (
    <Panel title="Tabs, timeline, facts, code, copy">
      <Tabs
        label="Parts"
        value={tab}
        onChange={setTab}
        tabs={[
          {
            id: "timeline",
            label: "Timeline",
            count: states.length,
            content: (
              <Timeline
                items={states.map(([tone, icon, title]) => ({
                  key: title,
                  at,
                  tone,
                  icon,
                  title,
                  detail: "Ana",
                }))}
              />
            ),
          },
          {
            id: "facts",
            label: "Facts",
            content: (
              <Facts
                items={[
                  ["Plan", <Mono key="plan">{long}</Mono>],
                  ["Commit", <Commit key="commit" sha="8f14e45fceea167a5a36dedd4bea2543" />],
                  ["When", <Time key="when" at={at} exact />],
                ]}
              />
            ),
          },
          {
            id: "code",
            label: "Code",
            content: (
              <div className="flex flex-col gap-3">
                <Code label="Command">openssl rand -hex 32 | ciclo user add --token-stdin</Code>
                <Copy value="something" />
              </div>
            ),
          },
        ]}
      />
    </Panel>
  );
}

type Agent = { name: string; calls: number };
const agents: Agent[] = [
  { name: "fiscal", calls: 12 },
  { name: "catalog", calls: 340 },
  { name: long, calls: 7 },
];
const columns: Column<Agent>[] = [
  {
    id: "name",
    header: "Agent",
    value: ({ name }) => name,
    cell: ({ name }) => <span className="wrap-anywhere">{name}</span>,
  },
  { id: "calls", header: "Calls", value: ({ calls }) => calls, cell: ({ calls }) => calls },
];

function Tables() {
  const [filter, setFilter] = useState("");
  return (
    <Panel title="Table" flush>
      <div className="p-4">
        <TextField label="Filter" value={filter} onChange={(event) => setFilter(event.target.value)} />
      </div>
      <Table label="Agents" columns={columns} rows={agents} keyOf={({ name }) => name} filter={filter} />
    </Panel>
  );
}

const patch = `diff --git a/policies/cost.yaml b/policies/cost.yaml
--- a/policies/cost.yaml
+++ b/policies/cost.yaml
@@ -1,4 +1,5 @@
 id: cost
 kind: cost
-monthly_usd: 100
+monthly_usd: 250
+note: "safe \u202E evil"
 title: Costs
`;
