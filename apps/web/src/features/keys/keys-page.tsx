import type { Key, KeyState } from "@ciclo/contract";
import { msg } from "@lingui/core/macro";
import { useLingui } from "@lingui/react/macro";
import { useQuery } from "@tanstack/react-query";
import { Link } from "@tanstack/react-router";
import { KeyRound, MoreHorizontal, Plus, RotateCw } from "lucide-react";
import { useState } from "react";
import { Badge } from "../../ui/badge.tsx";
import { Button, IconButton } from "../../ui/button.tsx";
import { Copy, Mono } from "../../ui/code.tsx";
import { Menu } from "../../ui/menu.tsx";
import { Facts, PageHeader } from "../../ui/page.tsx";
import { Empty, Problem, Skeleton, Note } from "../../ui/states.tsx";
import { Time } from "../../ui/time.tsx";
import type { Look } from "../changes/labels.tsx";
import { useBlocked } from "../session/session.tsx";
import { AddKey } from "./add-key.tsx";
import { keysQuery } from "./queries.ts";
import { RevokeKey } from "./revoke-key.tsx";
import { RotateKey } from "./rotate-key.tsx";

const stateLooks: Record<KeyState, Look> = {
  active: { tone: "ok", icon: "done", label: msg`Active` },
  rotating: { tone: "accent", icon: "running", label: msg`Being rotated` },
  expiring: { tone: "warn", icon: "warning", label: msg`Ends soon` },
  expired: { tone: "bad", icon: "stopped", label: msg`Expired` },
  revoked: { tone: "neutral", icon: "stopped", label: msg`Revoked` },
};

type Doing = { what: "add" } | { what: "rotate" | "revoke"; key: Key };

/** Which keys need attention first. A value is never shown again. */
export function KeysPage() {
  const { t } = useLingui();
  const [doing, setDoing] = useState<Doing | null>(null);
  const blocked = useBlocked()("add_key");
  const close = (): void => setDoing(null);
  return (
    <>
      <PageHeader
        title={t`Keys`}
        lead={t`Credentials of MCP servers, encrypted. A new value counts once every server that takes it has shaken hands.`}
        actions={
          <Button
            look="primary"
            blocked={blocked}
            icon={<Plus size={16} aria-hidden />}
            onClick={() => setDoing({ what: "add" })}
          >{t`Add a key…`}</Button>
        }
      />
      <Keys act={setDoing} />
      {doing?.what === "add" ? <AddKey onClose={close} /> : null}
      {doing?.what === "rotate" ? <RotateKey of={doing.key} onClose={close} /> : null}
      {doing?.what === "revoke" ? <RevokeKey of={doing.key} onClose={close} /> : null}
    </>
  );
}

const urgency: Record<KeyState, number> = { expired: 0, expiring: 1, rotating: 2, active: 3, revoked: 4 };
const hasFailed = ({ last_handshake, state }: Key): boolean =>
  state !== "revoked" && last_handshake !== null && !last_handshake.ok;

function Keys({ act }: { act(doing: Doing): void }) {
  const { t } = useLingui();
  const { data, error, isPending, refetch } = useQuery(keysQuery);
  if (isPending) return <Skeleton rows={3} height={150} />;
  if (data === undefined) return <Problem error={error} onRetry={() => void refetch()} />;
  if (data.length === 0) {
    return (
      <Empty title={t`No key yet`}>
        {t`Keys come with the servers you onboard or import; or add one here and refer to it as secret:provider/NAME.`}
      </Empty>
    );
  }
  const rank = (key: Key): number => urgency[key.state] - (hasFailed(key) ? 1.5 : 0);
  return (
    <ul className="grid gap-4 lg:grid-cols-2">
      {data
        .toSorted((a, b) => rank(a) - rank(b))
        .map((key) => (
          <li key={key.reference}>
            <KeyCard of={key} act={act} />
          </li>
        ))}
    </ul>
  );
}

function KeyCard({ of: key, act }: { of: Key; act(doing: Doing): void }) {
  const { t, i18n } = useLingui();
  const look = stateLooks[key.state];
  const blocked = useBlocked()("rotate_key");
  const isRevoked = key.state === "revoked";
  return (
    <article
      aria-label={key.reference}
      className="flex h-full flex-col gap-3 rounded-xl border border-line bg-surface p-4"
    >
      <header className="flex items-start justify-between gap-2">
        <div className="min-w-0">
          <h2 className="flex items-center gap-2">
            <KeyRound size={17} aria-hidden className="shrink-0 text-muted" />
            <span className="wrap-anywhere">
              {key.provider} · {key.name}
            </span>
          </h2>
          <span className="inline-flex items-center gap-0.5 text-muted">
            <Mono>{key.reference}</Mono>
            <Copy value={key.reference} label={t`Copy the reference`} icon />
          </span>
        </div>
        <Badge tone={look.tone} icon={look.icon}>
          {i18n._(look.label)}
        </Badge>
      </header>
      <KeyFacts of={key} />
      <LastHandshake of={key} />
      {key.renewal_problem === null ? null : <Note tone="warn">{key.renewal_problem}</Note>}
      <footer className="mt-auto flex items-center gap-2">
        <Button
          blocked={
            blocked ??
            (isRevoked
              ? t`Add it again instead`
              : key.state === "rotating"
                ? t`A rotation is under way`
                : null)
          }
          icon={<RotateCw size={16} aria-hidden />}
          onClick={() => act({ what: "rotate", key })}
        >{t`Rotate…`}</Button>
        <Menu
          trigger={
            <IconButton label={t`Actions for ${key.reference}`}>
              <MoreHorizontal size={18} aria-hidden />
            </IconButton>
          }
          entries={[
            {
              kind: "action",
              label: t`Revoke…`,
              danger: true,
              blocked: blocked ?? (isRevoked ? t`It is revoked already` : null),
              onSelect: () => act({ what: "revoke", key }),
            },
          ]}
        />
      </footer>
    </article>
  );
}

function KeyFacts({ of: key }: { of: Key }) {
  const { t } = useLingui();
  return (
    <Facts
      items={[
        key.value_since === null ? null : [t`In use`, <Time key="since" at={key.value_since} />],
        [t`Ends`, key.expires_at === null ? t`not known` : <Time key="end" at={key.expires_at} exact />],
        [
          t`Used by`,
          key.used_by.length === 0
            ? t`no server`
            : key.used_by.map((id, index) => (
                <span key={id}>
                  {index === 0 ? "" : ", "}
                  <Link to="/servers/$serverId" params={{ serverId: id }}>
                    {id}
                  </Link>
                </span>
              )),
        ],
        key.used_by_models.length === 0 ? null : [t`For models of`, key.used_by_models.join(", ")],
        key.used_by_webhooks.length === 0 ? null : [t`Address of webhook`, key.used_by_webhooks.join(", ")],
        key.renewal === null
          ? null
          : [t`Renewed`, t`by ${key.renewal.provider}, ${key.renewal.renew_days_before} days before its end`],
      ]}
    />
  );
}

function LastHandshake({ of: { last_handshake: last } }: { of: Key }) {
  const { t } = useLingui();
  if (last === null) return null;
  return (
    <p className={last.ok ? "wrap-anywhere text-muted" : "wrap-anywhere text-bad"}>
      <span className="font-medium">{last.ok ? t`Last rotation` : t`Last rotation failed`}</span>{" "}
      <Time at={last.at} /> <span className="block">{last.detail}</span>
    </p>
  );
}
