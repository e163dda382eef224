// The area Augment: the list of recipes, and the editor with its preview.
export async function mount(root: HTMLElement): Promise<void> {
  const part = root.dataset["view"] === "editor" ? await import("./editor") : await import("./list");
  part.mount(root);
}
