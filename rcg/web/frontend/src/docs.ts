// The page at /api/docs: Swagger UI from this server. Its own bundle comes from a plain script before this one.
interface Bundle { (options: Record<string, unknown>): unknown; presets: { apis: unknown } }
declare global { interface Window { SwaggerUIBundle?: Bundle } }

const root = document.querySelector<HTMLElement>("#swagger-ui");
const ui = window.SwaggerUIBundle;
if (root && ui) {
  ui({
    domNode: root, url: root.dataset["url"] ?? "/api/openapi.json", presets: [ui.presets.apis],
    deepLinking: true, docExpansion: "list", defaultModelsExpandDepth: 0, tryItOutEnabled: true, validatorUrl: null,
  });
}
export {};
