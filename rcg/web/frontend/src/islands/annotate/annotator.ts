export function mount(root: HTMLElement): void {
  void root;
}
