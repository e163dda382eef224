// The page at /api/docs: Swagger UI from this server, without an inline script.
import SwaggerUI from "swagger-ui-dist/swagger-ui-es-bundle.js";
import "swagger-ui-dist/swagger-ui.css";
import "./styles/docs.css";

const root = document.querySelector<HTMLElement>("#swagger-ui");
if (root) {
  SwaggerUI({
    domNode: root,
    url: root.dataset["url"] ?? "/api/openapi.json",
    deepLinking: true,
    docExpansion: "list",
    defaultModelsExpandDepth: 0,
    tryItOutEnabled: true,
    validatorUrl: null,
  });
}
