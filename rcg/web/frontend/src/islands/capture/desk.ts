// The desk: begins sessions, and mirrors what the phone does.
import { beginForm } from "../../capture/begin";
import { drawRing } from "../../capture/ring";
import { picturesOf } from "../../capture/screen";
import { thumbs } from "../../capture/thumbs";
import { type Session, isOpen, lightWord, wronglyLit } from "../../capture/types";
import { call } from "../../lib/api";
import { h, icon, one } from "../../lib/dom";
import { type LiveEvent, listen } from "../../lib/live";
import { toastError } from "../../lib/toast";
import { FolderPanel } from "./watch";

interface Pairing { path: string; code: string; expires_at: number }
const STATE: Record<Session["state"], string> = { ready: "Waiting for the phone.", shooting: "", complete: "Every frame is here.", cancelled: "Cancelled." };

export function mount(root: HTMLElement): void {
  let session: Session | null = root.dataset["session"] ? (JSON.parse(root.dataset["session"]) as Session) : null;
  let now: string | null = null;
  const panel = one("[data-watch]", root);
  const folder = panel ? new FolderPanel(panel, (next) => take(next)) : null;
  const text = (selector: string, words: string): void => { const element = one(selector, root); if (element && element.textContent !== words) element.textContent = words; };

  const draw = (): void => {
    const live = one("[data-live]", root), fresh = one("[data-new]", root);
    if (live) live.hidden = !session;
    folder?.show(session);
    if (fresh) fresh.hidden = session !== null && isOpen(session);
    if (!session) return;
    const { side, wanted, missing } = session;
    const sent = new Set(session.frames.filter((frame) => frame.side === side).map((frame) => frame.light));
    text("[data-title]", `${session.card?.name ?? "Card"}, ${side}`);
    text("[data-says]", `${wanted.length - missing.length} of ${wanted.length} frames${session.rig ? `, lights of ${session.rig.name}` : ""}, ${session.device}${session.photometric ? "" : "; not photometric: a camera app alters brightness"}`);
    if (STATE[session.state]) text("[data-advice]", STATE[session.state]);
    else if (!missing.length && session.next_side) text("[data-advice]", `The ${side} is done: turn the card over.`);
    const wrong = wronglyLit(session);
    if (wrong.length) text("[data-advice]", wrong.map((frame) => `${lightWord(frame.light)}: ${frame.check?.words ?? ""}`).join(" "));
    const ring = one<SVGElement>("[data-ring]", root);
    if (ring) drawRing(ring, wanted, (light) => (light === now ? "now" : sent.has(light) ? "sent" : ""));
    one("[data-frames]", root)?.replaceChildren(...thumbs(picturesOf(session, []), null, null));
    const cancel = one("[data-cancel]", root);
    if (cancel) cancel.hidden = !isOpen(session);
    one("[data-actions]", root)?.replaceChildren(...actions(session));
  };
  const actions = (of: Session): HTMLElement[] => {
    if (of.problem) return [h("p", { class: "bad" }, `${of.problem.detail} ${of.problem.hint}`)];
    if (of.state !== "complete" || !of.card) return [];
    return [h("a", { class: "button primary", href: `/grade/cards/${of.card.id}` }, "Go to the card", icon("arrow-right"))];
  };
  const take = (next: Session): void => {
    if (session?.id === next.id && next.revision < session.revision) return;
    session = next;
    history.replaceState(null, "", `/capture/desk?session=${next.id}`);
    draw();
    void code();
  };
  const reload = (): void => { if (session) void call<Session>("GET", `/api/capture/sessions/${session.id}`).then(take).catch(() => undefined); };

  listen((event: LiveEvent) => {
    folder?.hear(event);
    if (event.kind === "hello" || event.kind === "reset") { reload(); return; }
    if (event.kind === "state" && event.data["job_kind"] === "frame_look" && event.data["state"] === "done" && event.data["subject"] === `session:${session?.id}`) reload();
    if (event.kind !== "capture") return;
    const { type } = event.data as { type?: string };
    if (type === "session") {
      const next = event.data["state"] as Session;
      if (next.id === session?.id || (isOpen(next) && (!session || !isOpen(session)))) take(next);
    }
    if (type === "guidance" && event.data["session"] === session?.id) {
      now = (event.data["light"] as string | null) ?? null;
      text("[data-advice]", String(event.data["words"] ?? ""));
      draw();
    }
    if (type === "paired") { unpair(); text("[data-pair-says]", `Paired: ${String(event.data["device"])}.`); }
    if (type === "frame" && event.data["session"] === session?.id) now = null;
  });

  let pairing: Pairing | null = null;
  let ends: ReturnType<typeof setTimeout> | undefined;
  let turn = 0;
  /** The link for the phone, as a code to photograph: with a secret in its fragment while a phone is being paired. */
  const code = async (): Promise<void> => {
    const mine = ++turn, base = one<HTMLSelectElement>("[data-address]", root)?.value || location.origin;
    const page = `/capture/${session && isOpen(session) ? `?session=${session.id}` : ""}`;
    const url = base + (pairing ? pairing.path.replace("#", `?next=${encodeURIComponent(page)}#`) : page);
    text("[data-link]", pairing ? `${base}/pair\ncode ${pairing.code.slice(0, 3)}\u00a0${pairing.code.slice(3)}` : url);
    text("[data-link-says]", pairing ? "Point the phone's camera at the code, or type the six digits. It works once, for two minutes." : "A phone that is paired opens the camera with this link.");
    const answer = await fetch("/capture/qr", { method: "POST", headers: { "content-type": "application/json" }, body: JSON.stringify({ url }) }).catch(() => null);
    if (!answer?.ok) return;
    const drawing = await answer.text();
    if (mine !== turn) return;  // a later link was asked for meanwhile
    const picture = document.adoptNode(new DOMParser().parseFromString(drawing, "image/svg+xml").documentElement);
    picture.setAttribute("class", "desk-qr"); picture.setAttribute("role", "img"); picture.setAttribute("aria-label", "The link as a QR code");
    const place = one("[data-code]", root);
    place?.replaceChildren(picture);
    if (place) place.dataset["url"] = url;
  };

  const unpair = (): void => { clearTimeout(ends); pairing = null; void code(); };
  one("[data-pair]", root)?.addEventListener("click", () => void call<Pairing>("POST", "/api/pairing").then((made) => {
    pairing = made;
    clearTimeout(ends);
    ends = setTimeout(() => { unpair(); text("[data-pair-says]", "The two minutes are over."); }, made.expires_at - Date.now());
    text("[data-pair-says]", "Waiting for the phone.");
    return code();
  }).catch(toastError));

  const form = one<HTMLFormElement>("[data-begin]", root);
  if (form) beginForm(form, take);
  one("[data-address]", root)?.addEventListener("change", () => void code());
  one("[data-cancel]", root)?.addEventListener("click", () => { if (session) void call<Session>("POST", `/api/capture/sessions/${session.id}/cancel`).then(take).catch(toastError); });
  draw();
  void code();
}
