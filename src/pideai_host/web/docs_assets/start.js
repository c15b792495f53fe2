// Shows the host's description of its API; a file of its own, since the page's policy runs no script within it.
window.ui = SwaggerUIBundle({
  url: "/docs/openapi.json",
  dom_id: "#api",
  deepLinking: true,
  docExpansion: "list",
  defaultModelsExpandDepth: 0,
  displayRequestDuration: true,
  filter: true,
  persistAuthorization: false, // a token is kept nowhere but in the page
  validatorUrl: null, // asks nobody outside
});
