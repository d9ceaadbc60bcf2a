import "asciinema-player/dist/bundle/asciinema-player.css";
import { create } from "asciinema-player";
import { useEffect, useRef } from "react";

/** Plays an asciicast. Loaded when somebody asks for one: the player brings a terminal along. */
export function Player({ cast, label }: { cast: string; label: string }) {
  const place = useRef<HTMLDivElement>(null);
  useEffect(() => {
    if (place.current === null) return undefined;
    const player = create({ data: cast }, place.current, {
      autoPlay: true,
      fit: "width",
      idleTimeLimit: 1,
      terminalFontFamily: "ui-monospace, monospace",
    });
    return () => player.dispose();
  }, [cast]);
  return <div ref={place} role="group" aria-label={label} className="min-w-0" />;
}
