// The lucide icons that pages use; the build puts them into one sprite.
export const ICONS = [
  "activity", "arrow-left", "arrow-right", "arrow-down", "arrow-up", "arrow-up-right", "badge-check", "check", "chevron-down", "chevron-right", "circle",
  "circle-alert", "circle-check", "circle-help", "circle-slash", "circle-x", "clock", "copy", "cpu", "download", "ellipsis",
  "eye", "eye-off", "file-image", "flip-horizontal", "focus", "gauge", "hard-drive", "house", "image", "info", "key-round", "layers",
  "layout-grid", "lightbulb", "link", "list", "list-checks", "log-out", "maximize", "memory-stick", "minus", "monitor", "moon", "panel-left",
  "pencil", "play", "plus", "printer", "qr-code", "refresh-cw", "rotate-ccw", "ruler", "scan-line", "search", "server", "settings",
  "shield-check", "smartphone", "sparkles", "sun", "sun-moon", "terminal", "trash-2", "triangle-alert", "undo-2", "upload", "wallet-cards", "x", "zoom-in",
  "zoom-out",
  "keyboard", "panel-right", "check-check", "copy-plus",  // the annotator
  // the workshop
  "blend", "box", "boxes", "camera", "chart-spline", "circle-dashed", "circle-dot", "database", "dot", "file-down", "folder", "folder-input", "folder-open", "git-compare", "heart-pulse", "hexagon", "history", "magnet", "mouse-pointer-2", "package", "pause",
  "pen-tool", "redo-2", "save", "scan", "skip-back", "skip-forward", "spline", "square", "square-dashed", "square-stop", "step-back", "step-forward",
  "tag", "tags", "target", "test-tube", "vector-square", "wand-sparkles", "workflow",
];
