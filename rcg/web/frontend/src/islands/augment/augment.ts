// The area Augment: the list of recipes, and the editor with its preview.
export function mount(root: HTMLElement): void {
  if (root.dataset["view"] === "editor") void import("./editor").then((part) => part.mount(root));
  else void import("./list").then((part) => part.mount(root));
}
