// A dot per frame: lights where they are round the card, the frame without light inside.
import { AMBIENT } from "./types";

export type Dot = "" | "now" | "kept" | "sent";
const SVG = "http://www.w3.org/2000/svg";

export function drawRing(svg: SVGElement, wanted: string[], dot: (light: string) => Dot): void {
  const lights = wanted.filter((light) => light !== AMBIENT);
  svg.replaceChildren(...wanted.map((light) => {
    const turn = 2 * Math.PI * lights.indexOf(light) / lights.length;
    const circle = document.createElementNS(SVG, "circle");
    circle.setAttribute("class", `cap-dot ${dot(light)}`);
    circle.setAttribute("r", light === AMBIENT ? "3" : "5");
    circle.setAttribute("cx", light === AMBIENT ? "0" : (41 * Math.sin(turn)).toFixed(2));
    circle.setAttribute("cy", light === AMBIENT ? "25" : (-41 * Math.cos(turn)).toFixed(2));
    circle.dataset["light"] = light;
    return circle;
  }));
}
