import { one } from "../lib/dom";
import * as live from "../lib/live";
import { beginForm } from "./begin";
import { install } from "./install";
import { Phone } from "./phone";
import { probe } from "./probe";

async function camera(): Promise<void> {
  const phone = new Phone();
  const form = one<HTMLFormElement>("[data-begin]");
  await phone.start();
  live.listen((event) => phone.hear(event));
  live.start();
  if (form) beginForm(form, (session) => phone.begin(session));
  const session = new URLSearchParams(location.search).get("session");
  if (session) void phone.goOn(session);
  void install(() => phone.busy);
}

const measuring = one("[data-probe]");
if (measuring) probe(measuring);
void (measuring ? Promise.resolve() : camera()).then(() => { document.body.dataset["ready"] = ""; });
