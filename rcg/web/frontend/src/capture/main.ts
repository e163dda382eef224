import { one } from "../lib/dom";
import * as live from "../lib/live";
import { beginForm } from "./begin";
import { install } from "./install";
import { Phone } from "./phone";

const phone = new Phone();
const form = one<HTMLFormElement>("[data-begin]");
void phone.start().then(() => {
  live.listen((event) => phone.hear(event));
  live.start();
  if (form) beginForm(form, (session) => phone.begin(session));
  const session = new URLSearchParams(location.search).get("session");
  if (session) void phone.goOn(session);
  document.body.dataset["ready"] = "";
  void install(() => phone.busy);
});
