import { useLingui } from "@lingui/react/macro";
import { SendHorizontal } from "lucide-react";
import { Button } from "../../ui/button.tsx";
import { TextArea } from "../../ui/field.tsx";
import { useBlocked } from "../session/session.tsx";

const maxLength = 8000;

/** The field for the next message. Enter sends, Shift+Enter begins a line. */
export function Composer({
  value,
  onChange,
  onSend,
  isBusy,
}: {
  value: string;
  onChange(value: string): void;
  onSend(): void;
  isBusy: boolean;
}) {
  const { t } = useLingui();
  const blocked = useBlocked()("chat");
  const send = (): void => {
    if (value.trim() !== "" && !isBusy && blocked === null) onSend();
  };
  return (
    <form
      className="sticky bottom-0 -mx-1 bg-ground px-1 pt-1 pb-3"
      onSubmit={(event) => {
        event.preventDefault();
        send();
      }}
    >
      <div className="flex items-end gap-2">
        <div className="grow">
          <TextArea
            label={t`Message`}
            hideLabel
            dir="auto"
            rows={2}
            maxLength={maxLength}
            placeholder={t`What should change?`}
            value={value}
            onChange={(event) => onChange(event.target.value)}
            onKeyDown={(event) => {
              if (event.key !== "Enter" || event.shiftKey || event.nativeEvent.isComposing) return;
              event.preventDefault();
              send();
            }}
          />
        </div>
        <Button
          type="submit"
          look="primary"
          className="min-h-[37px]"
          busy={isBusy}
          blocked={blocked}
          icon={<SendHorizontal size={16} aria-hidden />}
        >
          {t`Send`}
        </Button>
      </div>
    </form>
  );
}
